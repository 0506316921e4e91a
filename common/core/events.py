"""The catalogue of log events: what each means, its level, its fields, what a person should do.

Names are noun.past_verb, constant; a test fails for an unlisted or an unused one.
"""

from typing import Literal

from msgspec import Struct


class LogEvent(Struct, frozen=True):
    """One event name."""

    level: Literal["debug", "info", "warning", "error"]
    meaning: str
    fields: tuple[str, ...] = ()
    action: str = ""


EVENTS: dict[str, LogEvent] = {
    "audit.sealed": LogEvent(
        "info", "审计已签名到这一行；可另处保存，用 mingcha audit verify --kept 核对", ("line", "code")
    ),
    "audit.broken": LogEvent(
        "error",
        "审计与市中心签过的不符：被改过、删过；从此不再签名",
        ("line", "reason", "hint"),
        "执行 mingcha audit verify，保全数据库与备份，交审计管理员查实",
    ),
    "door.started": LogEvent("info", "公众网页已启动", ("address", "database")),
    "door.stopped": LogEvent("info", "公众网页已停止"),
    "door.waiting": LogEvent(
        "warning", "市中心还没有公开数据，公众网页在等", ("reason", "hint"), "按日志里的提示处理"
    ),
    "door.full": LogEvent(
        "error", "公众网页的临时目录写满，市民上传的文件收不下", ("reason",), "请检查公众网页的磁盘空间"
    ),
    "door.failed": LogEvent(
        "error", "公众网页的一页出错，其余照常", ("path", "number"), "把这条日志交给软件维护人员"
    ),
    "public.unavailable": LogEvent(
        "warning", "公开数据暂时写不了，市中心其余照常，十秒后再试", ("reason", "hint"), "按日志里的提示处理"
    ),
    "public.recovered": LogEvent("info", "公开数据恢复发布", ("after_secs",)),
    "public.unreachable": LogEvent(
        "warning", "数据库里没有公众网页的账户，公众网页连不上", ("role", "hint"), "按日志里的提示建立账户"
    ),
    "inbox.refused": LogEvent(
        "error",
        "公众网页交来的一件内容打不开，已弃去：网页的机器或数据库可能被人动过",
        ("kind", "reason", "hint"),
        "检查公众网页的机器；反复出现时联系软件维护人员",
    ),
    "inbox.misdated": LogEvent(
        "warning",
        "公众网页说的提交时间不可信（晚于现在，或早于上一次收完的时候），已按可信的时间计收到之日",
        ("kind", "said", "taken", "hint"),
        "核对公众网页机器的时间；没有错而反复出现时检查那台机器是否被人动过",
    ),
    "complaint.received": LogEvent("info", "收到一件投诉", ("number",)),
    "complaint.lapsed": LogEvent("info", "一件投诉的期限已过，已记录或到期办结", ("number",)),
    "rating.received": LogEvent("info", "收到一次评价", ("number", "grade")),
    "rating.refused": LogEvent(
        "warning",
        "公众网页交来的一次评价对不上办件或窗口，或已评价过，没有计入",
        ("name", "reason"),
        "偶尔出现是重复提交；反复出现时检查公众网页的机器",
    ),
    "rating.lapsed": LogEvent("info", "一件差评的整改或回访期限已过，已记录", ("number",)),
    "consult.received": LogEvent("info", "收到一件咨询", ("number",)),
    "consult.lapsed": LogEvent("info", "一件咨询的答复期限已过，已记录", ("number",)),
    "document.made": LogEvent("info", "文书的文件已生成并签名", ("number", "preview")),
    "document.failed": LogEvent(
        "error",
        "文书已签发，文件生成不出来，半分钟后再试",
        ("number", "reason", "hint"),
        "按日志里的提示处理",
    ),
    "correction.raised": LogEvent("info", "一盏灯已建立纠错", ("site", "number", "light")),
    "tally.begun": LogEvent("info", "统计汇总从头开始：首次启动，或程序、法定时区与上次不同", ("zone",)),
    "tally.postponed": LogEvent(
        "warning",
        "统计汇总暂停，三十秒后再试；其间统计逐件计数，数是对的",
        ("reason", "hint"),
        "按日志里的提示处理",
    ),
    "tally.failed": LogEvent(
        "error",
        "统计汇总出错，三十秒后再试；统计页可能也打不开",
        (),
        "执行 mingcha rebuild 并把日志交给软件维护人员",
    ),
    "score.ended": LogEvent("info", "网页上开始的评分已结束，0 次为没有评成", ("period", "number")),
    "score.failed": LogEvent(
        "error",
        "网页上开始的评分中途结束，没有留下结果",
        ("period", "reason", "hint"),
        "再试一次；仍不行的，把日志交给软件维护人员",
    ),
    "briefing.drafted": LogEvent("info", "一个期间的简报已拟成草稿，待签发", ("draft", "period", "plan")),
    "briefing.failed": LogEvent(
        "warning",
        "一个期间的简报拟不成，消除原因后自动补拟",
        ("period", "plan", "reason", "hint"),
        "按日志里的提示处理",
    ),
    "letter.unanswered": LogEvent("info", "一份文书过了答复期限没有答复，已告知单位和监察员", ("code",)),
    "correction.lapsed": LogEvent("info", "一件纠错的时限已过，已升级并催办或通报", ("number", "state")),
    "correction.skipped": LogEvent(
        "error",
        "一盏灯、一件纠错、投诉、咨询、评价或公众网页交来的内容处理不了，其余照常（是网页交来的，投诉的到期办结、逾期未回访也等它）；重启后再试",
        ("what", "number", "hint"),
        "把这条日志交给软件维护人员",
    ),
    # enrolment and broker
    "enrol.started": LogEvent("info", "登记服务已启动", ("address",)),
    "enrol.refused": LogEvent(
        "warning",
        "一次登记被拒绝，原因已告诉站点机器",
        ("address", "reason"),
        "反复出现时核对是谁在用这条命令：mingcha site list",
    ),
    "box.enrolled": LogEvent("info", "一台站点机器已登记", ("site", "generation", "address", "skew_secs")),
    "box.renewed": LogEvent(
        "info", "一台站点机器的证书已续期", ("site", "generation", "address", "late_secs")
    ),
    "box.upgraded": LogEvent("info", "一台站点机器说了升级的结果", ("site", "release", "outcome", "address")),
    "box.superseded": LogEvent("info", "被接替的机器送积压的期限已满", ("boxes",)),
    "acl.read": LogEvent("info", "消息服务已读取新的权限表", ("hash",)),
    # agent
    "agent.started": LogEvent("info", "站点采集程序已启动", ("version", "epoch", "generation")),
    "agent.stopped": LogEvent("info", "站点采集程序已正常停止"),
    "source.unavailable": LogEvent(
        "warning",
        "数据源不可用，采集暂停，恢复后自动补采",
        ("reason",),
        "执行 mingcha-agent doctor --only 数据源",
    ),
    "source.jumped": LogEvent("warning", "业务库的时钟跳变，已记为观察", ("secs",)),
    "source.recovered": LogEvent("info", "数据源已恢复", ("after_secs",)),
    "capture.paused": LogEvent(
        "warning", "采集已由站点或市中心暂停，不读业务库", ("who", "why"), "执行 mingcha-agent resume"
    ),
    "capture.resumed": LogEvent("info", "采集已恢复"),
    "image.loaded": LogEvent("info", "导出文件或 Access 文件有变化，已载入一张表", ("table", "rows", "how")),
    "table.stopped": LogEvent(
        "error",
        "一张表不能读，停止采集该表，其余照常",
        ("table", "reason"),
        "执行 mingcha-agent doctor --only 数据源",
    ),
    "camera.changed": LogEvent("info", "一台摄像机的状态有变化，已记录", ("camera", "aspect", "view")),
    "cameras.ended": LogEvent(
        "warning",
        "摄像进程退出，采集与上传不受影响",
        ("reason",),
        "反复出现时执行 mingcha-agent doctor --only 摄像",
    ),
    "cameras.relearned": LogEvent(
        "info",
        "程序升级后画面的量法不同，这些摄像机自己重新学习，学完之前不说画面正常、座位无法判断、图片整幅打格",
        ("cameras",),
    ),
    "still.held": LogEvent("info", "站点的一张图片已收到并封存", ("site", "sha256", "bytes")),
    "still.refused": LogEvent(
        "warning",
        "一张图片不能收：解不开，或与它的指纹不符；它的记录不受影响",
        ("site", "sha256", "reason", "hint"),
        "偶尔一张不用处理；一直出现时请核对站点与市中心的程序版本",
    ),
    "live.asked": LogEvent("info", "市中心有人要看现场，或不再看（cameras 为空）", ("cameras",)),
    "live.wanted": LogEvent("info", "有人打开了一台摄像机的现场", ("site", "camera", "plain")),
    "live.began": LogEvent("info", "站点开始送一台摄像机的现场画面", ("site", "camera", "plain")),
    "live.ended": LogEvent("info", "没有人再看，现场画面已停", ("site", "camera", "bytes")),
    "live.refused": LogEvent(
        "warning",
        "一个现场画面的连接没有接受；其他画面不受影响",
        ("peer", "reason"),
        "偶尔一次不用处理；一直出现时请核对该站点机器的证书与程序版本",
    ),
    "live.unnoted": LogEvent(
        "error",
        "数据库不可用，看完现场这一条没有记入审计；开始看的那一条在",
        ("who", "subject", "lasted", "reason"),
        "数据库恢复后，请把这条日志交给审计管理员",
    ),
    "stills.gone": LogEvent("info", "图片到期或超量，已删除，逐张记入审计", ("count",)),
    "column.appeared": LogEvent(
        "warning",
        "业务库的表新增了字段，尚未映射，不采集；只说一次",
        ("table", "column"),
        "需要时在 mapping.toml 映射该字段",
    ),
    "cursor.stopped": LogEvent(
        "warning",
        "没有索引能支持该游标，每次查询都要扫描全表，已停用；新变化由全表核对采到，会晚一些",
        ("column",),
        "请厂商给该字段建索引，建好后自动恢复",
    ),
    "cursor.resumed": LogEvent("info", "该游标已有索引，恢复使用", ("column",)),
    "table.recovered": LogEvent("info", "该表已恢复采集", ("table",)),
    "index.replaced": LogEvent(
        "error", "摘要索引损坏，已改名保留并新建，正从数据源重读", (), "保留该文件，联系市中心"
    ),
    "row.quarantined": LogEvent(
        "error",
        "有数据无法对应到标准记录，已隔离，其余照常；同一张表同一原因只说一次，共多少行看体检",
        ("table", "key", "reason"),
        "检查 mapping.toml 或源数据",
    ),
    "round.finished": LogEvent("debug", "一轮采集完成", ("tables", "changed", "ms")),
    "walk.finished": LogEvent("debug", "整张表核对完一遍", ("table", "rows", "secs")),
    "hall.unavailable": LogEvent(
        "warning", "连不上市中心，记录在本地加密缓存", ("reason",), "执行 mingcha-agent doctor --only 网络"
    ),
    "hall.recovered": LogEvent("info", "已连上市中心", ("after_secs",)),
    "command.answered": LogEvent(
        "info", "市中心的一条指令已有结果，随记录送回", ("command", "act", "outcome")
    ),
    "policy.tried": LogEvent("info", "正试行市中心的新要求", ("version",)),
    "commands.unreadable": LogEvent(
        "error",
        "已执行指令的记录读不出，已改名保留；此前下达的指令不再执行",
        ("kept", "reason"),
        "请重新下达需要的指令",
    ),
    "policy.kept": LogEvent("info", "市中心的新要求已采用", ("version",)),
    "policy.refused": LogEvent(
        "error", "市中心的新要求没有采用，沿用原来的", ("version", "reason"), "联系市中心"
    ),
    "hall.refused": LogEvent("error", "市中心拒绝本站点", ("code",), "按提示处理后重新登记"),
    "record.damaged": LogEvent(
        "error",
        "缓存中一条记录损坏，已隔离并从数据源重读",
        ("seq", "last"),
        "执行 mingcha-agent doctor --only 缓存",
    ),
    "record.refused": LogEvent(
        "error", "市中心拒收一段记录", ("first", "last", "code"), "在市中心查看拒收记录"
    ),
    "message.ignored": LogEvent("warning", "收到一条不可信或读不懂的消息，已忽略", ("topic", "reason")),
    "buffer.replaced": LogEvent(
        "error",
        "缓存文件损坏或密钥不对，已改名保留并新建，从数据源重读",
        ("kept", "reason"),
        "执行 mingcha-agent doctor --only 缓存",
    ),
    "buffer.reopened": LogEvent("warning", "正重新打开缓存与索引，程序不退出", ("reason",)),
    "buffer.rotated": LogEvent("info", "缓存换用新段，旧段送完即销毁", ("first",)),
    "buffer.salvaged": LogEvent("info", "被搁置的缓存里没有送达的记录已重新编号", ("epoch", "records")),
    "key.lost": LogEvent(
        "error",
        "缓存主密钥读不到，暂用临时密钥；旧缓存打不开，已保留，正从数据源重读",
        ("key",),
        "把原密钥放回原处，或重新登记本站点",
    ),
    "key.changed": LogEvent("info", "缓存已全部改用新的主密钥", ("key",)),
    "key.unfinished": LogEvent("warning", "改用新主密钥时写不进去，会自动重试", ("reason",)),
    "buffer.full": LogEvent(
        "error", "磁盘已满，采集暂停，位置不变", ("reason",), "清理磁盘空间，之后自动恢复"
    ),
    "buffer.recovered": LogEvent("info", "磁盘空间已恢复，继续采集", ("after_secs",)),
    "history.requested": LogEvent("warning", "市中心恢复了旧备份，正从数据源重读", ("upto", "forgotten")),
    # hall
    "central.started": LogEvent("info", "市中心程序已启动", ("version", "database", "address")),
    "central.stopped": LogEvent("info", "市中心程序已正常停止"),
    "broker.unavailable": LogEvent(
        "warning", "消息服务不可用，站点在本地缓存", ("reason",), "执行 mingcha doctor"
    ),
    "broker.recovered": LogEvent("info", "消息服务已恢复", ("after_secs",)),
    "batch.failed": LogEvent(
        "error",
        "一个批次使程序出错，没有入库，其他站点照常",
        ("site", "first", "last", "reason"),
        "请把这条日志交给软件维护人员",
    ),
    "batch.unreadable": LogEvent(
        "error",
        "等升级的一批记录仍读不进来，继续搁置，其余照常",
        ("reason",),
        "请把这条日志交给软件维护人员",
    ),
    "batch.parked": LogEvent(
        "error",
        "站点程序比市中心新，一批记录读不懂，已入库等升级",
        ("site", "schema", "first", "last"),
        "请升级市中心程序，启动时自动计入；站点程序并不比市中心新的，查明后放弃，见  mingcha dead list",
    ),
    "batch.unparked": LogEvent("info", "升级前读不懂的记录已计入", ("records",)),
    "store.unavailable": LogEvent(
        "warning", "数据库不可用，站点在本地缓存", ("reason",), "执行 mingcha doctor"
    ),
    "store.recovered": LogEvent("info", "数据库已恢复", ("after_secs",)),
    "batch.committed": LogEvent("debug", "批次已入库", ("records", "again", "batches", "ms")),
    "delivery.stalled": LogEvent("warning", "没有可送的，市中心仍缺号，重新报到", ("upto", "newest")),
    "batch.refused": LogEvent("warning", "批次被拒", ("site", "code", "reason")),
    "hello.refused": LogEvent("error", "站点的接入请求被拒", ("site", "code"), "执行 mingcha doctor"),
    "record.parked": LogEvent(
        "error", "记录无法入库，已放入死信", ("site", "seq", "records", "reason"), "执行 mingcha dead list"
    ),
    "site.connected": LogEvent("info", "站点已接入", ("site", "generation", "upto", "newest")),
    "command.sent": LogEvent("info", "一条指令已送往站点", ("site", "command", "act")),
    "policy.sent": LogEvent("info", "对站点的要求已送出", ("site", "version")),
    "policy.renumbered": LogEvent(
        "warning", "站点已用过同号或更高编号的要求，市中心可能恢复过；已按新编号重新送达", ("site", "version")
    ),
    "alarm.raised": LogEvent(
        "warning", "一个站点的数据有疑点，告警已记入", ("site", "kind", "reason"), "执行 mingcha alarm list"
    ),
    "alarm.ended": LogEvent("info", "告警已自行消除", ("site", "kind")),
    "site.flooding": LogEvent(
        "warning",
        "站点送来的超过限额，超出的放弃（它会重送），其他站点不受影响；每分钟至多说一次",
        ("site", "purpose"),
        "在该站点执行 mingcha-agent doctor；若不是故障，请吊销该机器的证书",
    ),
    "site.gap": LogEvent("warning", "站点声明一段编号不会再来", ("site", "lo", "hi", "gaps", "why")),
    "calendar.changed": LogEvent(
        "info", "采用了新一版工作日日历，受影响的时限重新判定", ("version", "days", "clocks")
    ),
    "light.changed": LogEvent("info", "办件的灯变了", ("site", "clock", "before", "after", "late")),
    "finding.made": LogEvent(
        "info",
        "前后两版记录比对出一个疑点",
        ("site", "code", "table"),
        "查看疑点页，或执行 mingcha finding list",
    ),
    "rule.answered": LogEvent(
        "info", "一个办件不符合一条规则，或列入重点监察", ("site", "rule", "answer"), "查看规则页"
    ),
    "withdrawal.proposed": LogEvent(
        "info",
        "一盏红灯或一条不符合按现在的数据不成立，等人认定是否撤销",
        ("site", "clock"),
        "执行 mingcha light list",
    ),
    "case.postponed": LogEvent(
        "error", "一个办件无法判定，一小时后再试", ("site", "case_key"), "执行 mingcha doctor"
    ),
    "channel.unavailable": LogEvent(
        "warning",
        "一个消息通道不可用，消息留着，会自动重试",
        ("channel", "reason"),
        "执行 mingcha message test",
    ),
    "channel.recovered": LogEvent("info", "消息通道已恢复", ("channel",)),
    "message.failed": LogEvent(
        "warning",
        "一条消息没有送达，列在待处置与消息页，上一级立即通知",
        ("message", "channel", "reason"),
        "执行 mingcha message list --state failed",
    ),
    "message.unsendable": LogEvent(
        "error", "一条消息使通道出错，没有送达，其余照常", ("message",), "请把这条日志交给软件维护人员"
    ),
    "login.succeeded": LogEvent("info", "用户登录", ("user",)),
    "login.refused": LogEvent("warning", "登录失败", ("user",)),
    "factor.unreadable": LogEvent(
        "error",
        "一个用户的动态口令打不开：操作密钥换过",
        ("user",),
        "请安全管理员取消此用户的动态口令，由本人重新启用",
    ),
    "page.failed": LogEvent("error", "页面出错", ("path", "number"), "按错误号查日志"),
    "page.spoilt": LogEvent(
        "error", "页面所据的数据损坏，没有采用", ("path", "reason"), "执行 mingcha verify 查明，并从备份恢复"
    ),
    # demonstration
    "child.ended": LogEvent("warning", "演示的一个进程退出，正重新启动", ("name", "code", "log")),
}
