"""The catalogue of health checks: the same ids, titles, effects and remedies on terminal, JSON and web.

`needs` names checks without which this one says nothing: if one of them fails, this one is skipped with it as
the cause, so that only causes are faults. Findings come in this order: what is needed stands above.
"""

from msgspec import Struct


class Check(Struct, frozen=True):
    """One check. `effect` and `remedy` are printed when it fails; the remedy is one step or one command."""

    title: str
    effect: str
    remedy: str
    needs: tuple[str, ...] = ()

    def group(self, check_id: str) -> str:
        return GROUPS[check_id.split("-")[1]]


GROUPS = {
    "SYS": "系统",
    "ID": "身份",
    "NET": "网络",
    "SYNC": "同步",
    "BUF": "缓存",
    "SRC": "数据源",
    "CAM": "摄像",
    "UPG": "升级",
    "HALL": "中心",
}

CHECKS: dict[str, Check] = {
    # on the box
    "E-SYS-01": Check(
        "程序运行", "不采集新办件，数据留在业务库里", "请启动服务：systemctl start mingcha-agent"
    ),
    "E-SYS-02": Check(
        "重启次数",
        "每次重启停采几秒，自动补采；反复重启说明程序或机器有毛病",
        "请收集资料交给市中心：mingcha-agent support",
        ("E-SYS-01",),
    ),
    "E-SYS-03": Check(
        "程序文件",
        "程序被改动或磁盘损坏，行为不可信；数据在缓存里不受影响",
        "请再执行一次安装命令，程序会修复",
    ),
    "E-SYS-04": Check("磁盘空间", "写满后采集会暂停，数据留在业务库里", "请清理磁盘空间，之后自动恢复"),
    "E-SYS-05": Check(
        "内存",
        "用尽时系统会结束程序，随后自动重启、补采",
        "请收集资料交给市中心：mingcha-agent support",
        ("E-SYS-01",),
    ),
    "E-SYS-06": Check("温度", "过热时机器自行降速或断电，采集变慢或中断", "请清理风扇与通风口，移开热源"),
    "E-SYS-07": Check("时钟", "时刻不准会影响人看，不影响数据次序与完整", "请检查本机时间同步：timedatectl"),
    "E-SYS-08": Check("操作系统", "采集照常，密钥的保护弱一层", "请换用 Debian 12 或相当的系统"),
    "E-SYS-09": Check(
        "配置",
        "写错时程序不能启动；没有映射时不采集",
        "请按列出的各处修改配置，然后再执行  mingcha-agent doctor",
    ),
    "E-ID-01": Check("密钥与证书可读", "不能证明本站点的身份，不能上传", "请检查密钥文件的属主与权限"),
    "E-ID-02": Check(
        "私钥与证书相配", "不能证明本站点的身份，不能上传", "请市中心为本站点重新签发证书", ("E-ID-01",)
    ),
    "E-ID-03": Check(
        "证书链",
        "本机与市中心互不相认，不能上传",
        "请把本市中心的 ca.pem 放回原处，或重新登记本站点",
        ("E-ID-01", "E-ID-02"),
    ),
    "E-ID-04": Check(
        "证书有效期", "到期后不能上传，记录在本地加密缓存", "请执行  mingcha-agent renew --now", ("E-ID-01",)
    ),
    "E-ID-05": Check("站点未停用", "市中心不再接收本机的记录", "请联系市中心核对本站点由哪台机器负责"),
    "E-ID-06": Check(
        "没有克隆",
        "市中心不再给本机续期证书，到期后不能上传",
        "请核对本站点由哪台机器负责；是本机的，请市中心执行  mingcha site reissue 站点编号",
    ),
    "E-ID-08": Check(
        "安全芯片",
        "重启后打不开主密钥，程序会换用新缓存、从数据源重读",
        "请在主板设置里打开 TPM；换过主板的请市中心取出托管的主密钥：mingcha site escrow 站点编号",
    ),
    "E-ID-07": Check(
        "主密钥",
        "打不开缓存里的旧记录，程序会换用新缓存、从数据源重读",
        "请把原来的 master.key 放回原处",
        ("E-ID-08",),
    ),
    "E-NET-01": Check("网卡与路由", "新办件不上传，在本地加密缓存", "请检查网线与本机地址：ip address"),
    "E-NET-05": Check(
        "域名解析",
        "新办件不上传，在本地加密缓存",
        "请检查本机的域名服务器，或在 agent.toml 改写为地址",
        ("E-NET-01",),
    ),
    "E-NET-02": Check(
        "市中心主机",
        "新办件不上传，在本地加密缓存",
        "请检查到市中心的线路与防火墙",
        ("E-NET-05",),
    ),
    "E-NET-03": Check(
        "消息链路", "新办件不上传，在本地加密缓存", "请检查市中心的端口是否放行", ("E-NET-02",)
    ),
    "E-NET-04": Check(
        "加密连接",
        "新办件不上传，在本地加密缓存",
        "请按提示核对哪一方的证书不对",
        ("E-NET-03", "E-ID-02", "E-ID-03", "E-ID-04"),
    ),
    "E-NET-06": Check(
        "满长的数据包",
        "新办件不上传，在本地加密缓存",
        "请让线路放行 ICMP，或把本机网卡改小：ip link set 网卡 mtu 1400",
        ("E-NET-04",),
    ),
    "E-BUF-01": Check(
        "缓存可用",
        "不能缓存新记录，采集暂停，数据留在业务库里",
        "程序会自己保留坏文件并新建缓存；一分钟后仍是这样，请检查磁盘",
        ("E-SYS-04",),
    ),
    "E-BUF-02": Check(
        "缓存用量",
        "到 95% 停止读取数据源，数据留在业务库里，不丢失",
        "请检查网络；积压送出后自动继续，或在 agent.toml 增大 buffer.max_mb",
        ("E-SYS-01",),
    ),
    "E-BUF-03": Check(
        "缓存的密钥",
        "打不开缓存里的旧记录，程序会换用新缓存、从数据源重读",
        "请把原来的 master.key 放回原处",
        ("E-BUF-01", "E-ID-07"),
    ),
    "E-BUF-04": Check(
        "写入快慢",
        "采集变慢，不丢数据",
        "请检查磁盘（dmesg）与其他占用磁盘的程序，必要时更换磁盘",
        ("E-BUF-01", "E-SYS-01"),
    ),
    "E-BUF-05": Check(
        "损坏的记录", "这些记录已隔离，正从数据源重读", "若反复出现，请检查磁盘", ("E-BUF-01",)
    ),
    "E-SYNC-01": Check(
        "消息服务接受本机",
        "新办件不上传，在本地加密缓存",
        "请市中心核对消息服务的版本（mqtt.version）与权限",
        ("E-NET-04", "E-NET-06", "E-SYS-01"),
    ),
    "E-SYNC-06": Check(
        "市中心在线",
        "新办件不上传，在本地加密缓存",
        "请市中心执行  mingcha doctor",
        ("E-SYNC-01", "E-BUF-01"),
    ),
    "E-SYNC-02": Check(
        "往返",
        "新办件不上传，在本地加密缓存",
        "请市中心执行  mingcha doctor  ；那里一切正常的，重新写入消息服务的权限：mingcha central init",
        ("E-SYNC-06",),
    ),
    "E-SYNC-03": Check(
        "最近回执",
        "市中心可能没有入库，记录在本地加密缓存",
        "请市中心执行  mingcha doctor",
        ("E-SYNC-02",),
    ),
    "E-SYNC-05": Check(
        "积压在减少",
        "市中心看到的越来越晚，记录在本地加密缓存",
        "请检查线路的速度；只在集中办件时这样的，会自己补完",
        ("E-SYNC-03",),
    ),
    "E-SYNC-08": Check(
        "缺号的声明",
        "市中心不能证明这些编号为什么没有，该站点的办件到期只显示待数据",
        "会自动再报到、再声明；一小时不消失请把本机诊断包交给软件维护人员：mingcha-agent support",
        ("E-SYNC-03",),
    ),
    "E-SYNC-04": Check(
        "积压",
        "市中心看到的不是最新情况",
        "等待补传完成；不减少时请市中心执行  mingcha doctor",
        ("E-SYNC-03",),
    ),
    "E-SYNC-07": Check("被拒收的记录", "这些记录没有进入市中心", "请市中心查看死信并修复", ("E-BUF-01",)),
    "E-SRC-01": Check("驱动", "不能采集新办件；数据留在业务库里", "请安装这种数据库的驱动"),
    "E-SRC-02": Check(
        "连接数据源",
        "不能采集新办件；恢复后自动补采，不会缺失",
        "请核对数据源地址、账号、密码",
        ("E-SRC-01",),
    ),
    "E-SRC-03": Check(
        "只读权限", "采集照常，另有三层只读保护", "请业务库管理员只授予 SELECT 权限", ("E-SRC-02",)
    ),
    "E-SRC-04": Check("表与字段", "缺字段的表停止采集，其余照常", "请按提示修改 mapping.toml", ("E-SRC-02",)),
    "E-SRC-05": Check(
        "采集开关", "不读业务库，市中心看到的不是最新情况；已采的照常上传", "恢复采集：mingcha-agent resume"
    ),
    "E-SRC-06": Check(
        "游标走索引",
        "每轮都要全表扫描，业务库负担重，采集会自行放慢",
        "请软件厂商为这些字段建立索引，或在 mapping.toml 去掉该游标",
        ("E-SRC-04",),
    ),
    "E-SRC-07": Check(
        "业务库时钟", "按业务库时刻判定的时限会偏", "请校准业务库服务器与本机的时间同步", ("E-SRC-02",)
    ),
    "E-SRC-08": Check(
        "占用业务库",
        "业务库可能变慢，影响窗口办件",
        "改过 capture.duty 的请重启采集程序：systemctl restart mingcha-agent；没有改过的请把诊断包交给软件维护人员",
        ("E-SYS-01", "E-SRC-02"),
    ),
    "E-SRC-09": Check(
        "最近一轮采集",
        "市中心看到的不是最新情况",
        "请查看上面的数据源问题",
        ("E-SYS-01", "E-SRC-02", "E-SRC-04", "E-SRC-05", "E-BUF-01", "E-BUF-02"),
    ),
    "E-SRC-10": Check(
        "隔离的行",
        "这些行没有进入监察；改好之前本站点不亮红灯，其余照常",
        "请按原因修改 mapping.toml 或源数据",
        ("E-BUF-01",),
    ),
    "E-CAM-01": Check(
        "摄像组件",
        "摄像机都看不了，采集与上传不受影响",
        "请市中心推送带摄像组件的发行（制作介质时写 --camera）；手工安装的：pip install 'mingcha[camera]'",
        ("E-SYS-09",),
    ),
    "E-CAM-02": Check(
        "摄像进程",
        "摄像机都看不了，采集与上传不受影响",
        "程序会自动重启它；反复退出时请把日志交给软件维护人员",
        ("E-SYS-01", "E-CAM-01"),
    ),
    "E-CAM-03": Check("摄像机连通", "这些摄像机没有画面", "请检查摄像机的电源、网线与地址", ("E-CAM-02",)),
    "E-CAM-04": Check(
        "摄像机口令", "这些摄像机没有画面", "请重新保存口令：mingcha-agent secret 名称", ("E-CAM-01",)
    ),
    "E-CAM-05": Check(
        "摄像机时钟", "画面时间不可信", "校时：mingcha-agent camera set-time 编号", ("E-CAM-02",)
    ),
    "E-CAM-06": Check(
        "摄像机码流", "这些摄像机没有可检查的画面", "请在摄像机里把主码流设为 H.264", ("E-CAM-02",)
    ),
    "E-CAM-07": Check("摄像机画面", "这些摄像机的画面不可用", "请按所列故障处理", ("E-CAM-02",)),
    "E-CAM-08": Check(
        "摄像机座位",
        "这些座位不能判断在岗，市中心显示无法判断",
        "请趁座位都空着时执行  mingcha-agent camera vacant 编号",
        ("E-CAM-02",),
    ),
    "E-CAM-09": Check(
        "摄像机遮挡",
        "这些摄像机的图片整幅打格，看不清细节，没有泄露",
        "还在学习的等几分钟；换过灯光或视角的请执行  mingcha-agent camera learn 编号",
        ("E-CAM-02",),
    ),
    "E-CAM-10": Check(
        "待传图片",
        "市中心暂时看不到这些图片，记录不受影响",
        "图片排在所有记录之后；积压传完仍不动时请查看市中心日志里的 still.refused",
        ("E-CAM-02",),
    ),
    "E-CAM-11": Check(
        "摄像机报警",
        "这些摄像机自己的遮挡报警听不到，故障晚几帧才报，画面检查照常",
        "请关掉别处对这台摄像机的事件订阅，或升级它的固件",
        ("E-CAM-02",),
    ),
    "E-CAM-12": Check(
        "人脸模型", "画面整幅打格，没有泄露", "请换市里核对过的模型文件并重启采集程序", ("E-CAM-01",)
    ),
    "E-UPG-01": Check(
        "版本试运行",
        "几十秒后自动定下来，不成自动退回",
        "请等一分钟再查；仍是这样请执行  systemctl start mingcha-upgrade",
    ),
    "E-UPG-02": Check(
        "上次升级",
        "本机仍用原来的版本，采集与上传不受影响",
        "请市中心查看原因、换一个发行：mingcha release list",
    ),
    "E-UPG-03": Check(
        "上一个版本",
        "现在的版本出了问题，本机退不回去；采集与上传不受影响",
        "不要删除 /opt/mingcha/releases 里的文件；下次升级后自动恢复",
    ),
    "E-UPG-04": Check(
        "版本与市中心一致",
        "采集与上传照常，没有新版的改进",
        "请市中心推送：mingcha release rollout 发行",
        ("E-UPG-02",),
    ),
    # in the hall
    "E-HALL-09": Check(
        "程序运行",
        "不入库，页面打不开；各站点在本地加密缓存",
        "请启动服务：systemctl start mingcha-central",
    ),
    "E-HALL-16": Check(
        "数据密钥",
        "个人信息解不开，也写不进；不入库，各站点在本地加密缓存",
        "请从备份恢复数据密钥文件，不要新建",
    ),
    "E-HALL-01": Check(
        "数据库", "不能入库，各站点在本地缓存，不丢数据", "请检查数据库服务与磁盘空间", ("E-HALL-16",)
    ),
    "E-HALL-02": Check("消息服务", "各站点连不上，在本地缓存，不丢数据", "请启动消息服务并核对其地址"),
    "E-HALL-03": Check(
        "入库",
        "页面不是最新情况",
        "请查看日志中的 store.unavailable",
        ("E-HALL-09", "E-HALL-01", "E-HALL-02"),
    ),
    "E-HALL-04": Check("时限判定", "灯会迟亮", "请查看日志中的 case.postponed", ("E-HALL-09", "E-HALL-01")),
    "E-HALL-05": Check(
        "页面数据",
        "大屏与各页停在旧数据上，页面会自己标明",
        "请检查数据库；仍不恢复请执行 systemctl restart mingcha-central",
        ("E-HALL-09", "E-HALL-01"),
    ),
    "E-HALL-06": Check(
        "消息服务的证书",
        "到期不影响已登记的站点；浏览器与其他程序会拒绝它",
        "请在市中心执行  mingcha central init，随后重启消息服务",
        ("E-HALL-02",),
    ),
    "E-HALL-07": Check(
        "备份",
        "市中心的磁盘坏了，证书机构与历史都没有了，各站点须重新登记",
        "请执行  mingcha central backup 文件  并把文件放到别处",
        ("E-HALL-01",),
    ),
    "E-HALL-08": Check(
        "工作日历",
        "超出日历的时限只能预计，不亮红灯",
        "请导入国务院办公厅新一年的放假通知：mingcha calendar import 通知文件",
        ("E-HALL-01",),
    ),
    "E-HALL-10": Check("演示用消息服务", "只可用于演示", "正式使用请安装 Mosquitto"),
    "E-HALL-11": Check(
        "各站点",
        "有站点不是实时",
        "请查看站点页，或在该站点执行  mingcha-agent doctor",
        ("E-HALL-09", "E-HALL-01", "E-HALL-02"),
    ),
    "E-HALL-12": Check(
        "死信",
        "这些记录没有计入；处理之前该站点的办件到期只显示待数据，不亮红灯",
        "请执行  mingcha dead list",
        ("E-HALL-01",),
    ),
    "E-HALL-13": Check(
        "等升级的记录",
        "站点程序自称比市中心新，这些记录已入库而未计入；该站点的办件到期只显示待数据，不亮红灯",
        "请升级市中心程序，启动时自动计入；站点程序并不比市中心新的，查明后放弃，见  mingcha dead list",
        ("E-HALL-01",),
    ),
    "E-HALL-14": Check(
        "站点数据的告警",
        "这些站点的数据有疑点，须有人核实；判定照常",
        "请执行  mingcha alarm list",
        ("E-HALL-01",),
    ),
    "E-HALL-15": Check(
        "消息送达",
        "有责任人没有收到提示；上一级已立即通知",
        "请执行  mingcha message list --state failed",
        ("E-HALL-01",),
    ),
    "E-HALL-17": Check(
        "公众网页",
        "公众看不到指南，查不了进度，交不了投诉；监察照常",
        "请启动服务：systemctl restart mingcha-door",
        ("E-HALL-09",),
    ),
    "E-HALL-18": Check(
        "处理不了的记录",
        "这些记录留在站点的缓存里，该站点的数据不算齐全；其余照常入库",
        "请把  journalctl -u mingcha-central -g batch.failed  的内容交给软件维护人员；程序更新后自动入库",
        ("E-HALL-09",),
    ),
    "E-HALL-20": Check(
        "审计",
        "审计与市中心签过的不符，已停止签名；入库与判定照常",
        "请执行  mingcha audit verify  并保全数据库与备份，交审计管理员查实，随后重启市中心程序",
        ("E-HALL-09", "E-HALL-01"),
    ),
}
