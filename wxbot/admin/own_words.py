"""What the pages say on which users look after themselves, and owners after users."""

from wxbot.web.language import Words

WORDS: Words = {
    # My own page
    "me": ("我的账号", "My account"),
    "my_password": ("修改密码", "Change the password"),
    "password_now": ("当前密码", "Current password"),
    "password_new": ("新密码", "New password"),
    "password_again": ("再输一遍新密码", "New password once more"),
    "password_hint": (
        "至少 {0} 个字符。几个不相干的词连起来，好记又难猜。",
        "At least {0} characters. A few unrelated words are easy to keep and hard to guess.",
    ),
    "password_wrong": ("当前密码不对", "This is not your password"),
    "password_differs": ("两次输入的不一样", "These two differ"),
    "password_short": ("太短，至少 {0} 个字符", "Too short: at least {0} characters"),
    "password_long": ("太长，最多 {1} 个字符", "Too long: at most {1} characters"),
    "password_easy": ("太容易猜到，换几个不相干的词吧", "Too easy to guess; take a few unrelated words"),
    "password_changed": (
        "密码已修改，其他设备都已退出。",
        "The password is changed, and all other devices are logged out.",
    ),
    "my_sessions": ("登录的设备", "Where you are logged in"),
    "sessions_why": (
        "看到不认识的设备，就让它退出，然后修改密码。",
        "Log out what you do not recognise, and change your password then.",
    ),
    "device": ("设备", "Device"),
    "place": ("位置", "Place"),
    "since": ("登录时间", "Since"),
    "last_seen": ("最近使用", "Last used"),
    "this_one": ("本机", "This one"),
    "unknown_device": ("未知设备", "Unknown device"),
    "end_session": ("退出", "Log out"),
    "end_session_of": ("让 {0} 退出登录", "Log out {0}"),
    "end_others": ("退出其他设备", "Log out everywhere else"),
    "end_everywhere": ("全部退出", "Log out everywhere"),
    "end_everywhere_why": (
        "包括当前浏览器，您需要重新登录。",
        "This browser as well: you log in anew.",
    ),
    "session_ended": ("该设备已退出登录。", "This device is logged out."),
    "sessions_ended": ("已让 {0} 台其他设备退出登录。", "{0} other devices are logged out."),
    # Users, for owners
    "users": ("成员", "Users"),
    "new_user": ("添加成员", "Add a user"),
    "create": ("添加", "Add"),
    "role": ("角色", "Role"),
    "roles_hint": (
        "只读：查看数据；运营：还能改渠道、重试任务；所有者：还能管理成员。",
        "Viewers look; operators also change channels and repeat jobs; owners also manage users.",
    ),
    "last_login": ("最近登录", "Last login"),
    "never": ("从未", "Never"),
    "state": ("状态", "State"),
    "active": ("正常", "Active"),
    "disabled": ("已停用", "Disabled"),
    "disable": ("停用", "Disable"),
    "disable_why": (
        "停用后立即退出所有设备，并且不能再登录。以前的操作记录会保留。",
        "They are logged out everywhere at once and cannot log in. What they did stays in the audit log.",
    ),
    "enable": ("启用", "Enable"),
    "set_password": ("重设密码", "Set a new password"),
    "set_password_why": (
        "设好以后，请当面或打电话告诉本人，并提醒对方尽快修改。",
        "Tell them in person, and ask them to change it soon.",
    ),
    "created": ("创建时间", "Created"),
    "user_created": ("已添加 {0}。", "{0} is added."),
    "user_disabled": ("{0} 已停用。", "{0} is disabled."),
    "user_enabled": ("{0} 已启用。", "{0} may log in again."),
    "user_role_set": ("{0} 的角色改为：{1}。", "{0} is now: {1}."),
    "user_password_set": (
        "{0} 的密码已重设，原有登录全部失效。",
        "{0} has a new password, and is logged out.",
    ),
    "name_taken": ("这个用户名已经有人用了", "There is a user of this name"),
    "bad_name": (
        "用户名只能用文字、数字和 . _ @ + -，最多 64 个字符",
        "A name has 1 to 64 letters, digits or . _ @ + -",
    ),
    "no_user": ("没有这个成员", "There is no such user"),
    "last_owner": ("至少要保留一个所有者。", "There must be an owner: make another one first."),
    "not_yourself": (
        "不能停用自己，请让其他所有者来操作。",
        "You cannot disable yourself; another owner can.",
    ),
    "own_password": ("修改自己的密码，请到“我的账号”。", "Your own is changed under “My account”."),
}
