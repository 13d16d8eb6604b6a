"""What the pages of jobs say."""

from wxbot.web.language import Words

WORDS: Words = {
    "jobs": ("任务", "Jobs"),
    "job": ("任务", "Job"),
    "job_title": ("一个任务", "One job"),
    "job_put_aside": ("需要处理", "Put aside"),
    "job_waiting": ("等待", "Waiting"),
    "job_running": ("执行中", "Running"),
    "job_kept": ("等对方出现", "Kept"),
    "job_done": ("完成", "Done"),
    "job_dead": ("失败", "Dead"),
    "job_unknown": ("结果不明", "Unknown"),
    "job_state": ("状态", "State"),
    "job_name": ("名称", "Name"),
    "job_attempts": ("执行次数", "Attempts"),
    "job_due": ("计划时间", "Due"),
    "job_made": ("产生时间", "Made"),
    "job_finished": ("结束时间", "Finished"),
    "job_expires": ("过期时间", "Not begun after"),
    "job_reason": ("原因", "Reason"),
    "job_event": ("由哪次事件引发", "Caused by"),
    "job_person": ("涉及的粉丝（匿名代号）", "About (a pseudonym)"),
    "job_arguments": (
        "参数名（内容可能含个人信息，不显示）",
        "Arguments (what they hold may be personal, and is not shown)",
    ),
    "job_key": ("编号", "Key"),
    "jobs_none": ("没有这样的任务", "There are no such jobs"),
    "jobs_none_aside": ("没有需要处理的任务", "No job was put aside"),
    "jobs_none_aside_why": (
        "多次重试仍失败、结果不明，或要等对方出现才能发出的消息，会列在这里。",
        "Here stands what failed at every attempt, what nobody saw the end of, and messages that wait for "
        "somebody’s next contact.",
    ),
    "jobs_looked": (
        "这个名称比较少见，这一页只查到 {0} 为止。还要往前找，请点“更早的”。",
        "This is rare: the page has looked back as far as {0}. Go on with “Older”.",
    ),
    "job_dead_why": ("每次重试都失败了。", "It failed at every attempt."),
    "job_unknown_why": (
        "没有人看到它怎么结束，也许已经做完了。请先核实：重新执行可能会重复。",
        "Nobody saw how it ended, and it may have happened. Look first: doing it again may do it twice.",
    ),
    "job_kept_why": ("对方下次出现时会自动发出。", "It goes out by itself at the person’s next contact."),
    "job_replay": ("重新执行", "Do it again"),
    "job_replay_dead_why": (
        "从头计算重试次数，重新执行一遍。",
        "It is done as if for the first time, with all its attempts.",
    ),
    "job_replay_sure": ("确定，重新执行", "Yes, do it again"),
    "job_replayed": (
        "已重新排队，worker 几秒内就会执行。",
        "It is queued again; a worker does it within seconds.",
    ),
    "job_not_replayed": ("这个任务现在不能重新执行。", "This job cannot be done again now."),
    "jobs_replay_all": ("全部重新执行", "Do all dead again"),
    "jobs_replay_all_why": (
        "失败的任务全部重新执行，一次最多 500 个。请先确认原因已经解决。",
        "All dead jobs are done again, up to 500 at a time. Make sure first that the reason is gone.",
    ),
    "jobs_replay_named_why": (
        "名称为 {0} 的失败任务全部重新执行，一次最多 500 个。请先确认原因已经解决。",
        "All dead jobs named {0} are done again, up to 500 at a time. Make sure first that the reason is "
        "gone.",
    ),
    "jobs_replayed": ("{0} 个失败的任务已重新排队。", "{0} dead jobs are queued again."),
}
