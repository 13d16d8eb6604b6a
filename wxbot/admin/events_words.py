"""What the events explorer says."""

from wxbot.web.language import Words

WORDS: Words = {
    "events": ("事件", "Events"),
    "event_title": ("一次事件", "One event"),
    "event": ("事件", "Event"),
    "scene": ("场景值", "Scene"),
    "outcome": ("结果", "Outcome"),
    "handler": ("处理函数", "Handler"),
    "took": ("耗时", "Took"),
    "events_none": ("还没有人扫码", "Nobody has scanned yet"),
    "events_none_why": (
        "有人扫码、关注或发来消息，这里就会有记录。",
        "As soon as somebody scans, follows or writes, it shows here.",
    ),
    "events_since": ("从", "From"),
    "events_until": ("到（不含）", "To (without)"),
    "events_zone": ("按北京时间", "In China’s time"),
    "events_live": ("实时", "Live"),
    "events_live_stop": ("停止实时", "Stop"),
    "events_live_on": ("有新事件会自动显示", "New events show by themselves"),
    "event_person": ("粉丝（匿名代号）", "Person (a pseudonym)"),
    "event_person_all": ("这个人的全部事件", "All of this person’s events"),
    "event_scene_all": ("这个场景的全部事件", "All events of this scene"),
    "event_happened": ("微信记录的时间", "Happened, by WeChat’s clock"),
    "event_recorded": ("收到的时间", "Recorded"),
    "event_state": ("状态", "State"),
    "event_lease": ("处理权到", "Lease until"),
    "event_messages": ("已发的客服消息", "Service messages sent"),
    "event_document": ("原始报文", "The document"),
    "event_document_kept": ("还保存着", "is kept"),
    "event_document_gone": (
        "已删除（含个人信息，处理完就删）",
        "is gone: it is personal, and goes once it is settled",
    ),
    "event_detail": ("说明", "Detail"),
    "event_reply": ("对方看到的回复", "The reply, as the person saw it"),
    "event_reply_nothing": (
        "没有显示任何内容（只回了 success）",
        "Nothing was shown: the answer was `success`",
    ),
    "event_reply_transfer": ("转给人工客服", "Handed over to customer service"),
    "event_reply_media": ("素材", "Media"),
    "event_jobs": ("引发的任务", "Jobs it caused"),
    "event_jobs_none": ("没有引发任务", "It caused no jobs"),
    "event_replay": ("重新处理", "Run the handler again"),
    "event_replay_why": (
        "对方已经看到的回复不会变；新的回复在微信允许时作为消息发出。处理函数在数据库之外做的事会再做一遍。",
        "What the person was answered stays; a new reply goes out as a message, if WeChat allows one. What "
        "the handler does outside of its session happens again.",
    ),
    "event_replay_sure": ("确定，重新处理", "Yes, run it again"),
    "event_replayed": (
        "已交给 worker 重新处理，下面的任务里可以看到进展。",
        "A worker runs the handler now; see the jobs below.",
    ),
    "event_not_replayed": ("这次事件现在不能重新处理。", "This event cannot be run again now."),
    "event_malformed_why": (
        "报文本身有错，没有可以处理的内容。",
        "The callback was malformed: there is nothing a handler could be given.",
    ),
    "event_open_why": (
        "还在处理；如果进程没了，worker 会自动接手。",
        "It is still being worked on; if its process is gone, a worker takes it over.",
    ),
    "event_no_document_why": (
        "原始报文已经删除，不能重新处理。请让对方再扫一次，或者用 wxbot simulate 试处理函数。",
        "Its document is gone, so it cannot run again. Let the person scan again, or try the handler with "
        "wxbot simulate.",
    ),
    "job": ("任务", "Job"),
    "job_attempts": ("执行次数", "Attempts"),
    "job_finished": ("结束时间", "Finished"),
}
