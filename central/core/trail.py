"""The audit trail 审计: who looked at personal data or decided something, and why.

Theory. Each line carries a hash over itself and the hash before it, so that no line can be changed, taken out or put in
without every later hash changing. Whoever can write to the database can reckon them all anew; therefore the running
hall signs the newest hash with its operations key, which is not in the database. What was signed stays as it was, or it
shows; and a running hall, which remembers what it signed last, signs nothing that does not go on from there. The newest
lines, and what was rewritten with its signatures while no hall ran, show only against a number and code that somebody wrote
down elsewhere: the hall's log has each, and an auditor may keep one (`mingcha audit verify --kept`).
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from common.core import crypto
from common.core.act import Act

START = bytes(32)
"""The hash before the first line."""
CODE_DIGITS = 16


ACTS = {
    "login": "登录",
    "login.refused": "登录被拒",
    "password": "修改密码",
    "user.add": "新建用户",
    "user.reach": "限定用户所及",
    "user.reset": "重设密码",
    "user.enable": "恢复用户",
    "user.disable": "停用用户",
    "user.approve": "授权用户",
    "user.ask": "申请变更用户",
    "user.wall": "授权大屏",
    "user.forget": "取消动态口令",
    "user.logout": "结束登录",
    "factor.set": "启用动态口令",
    "org.add": "登记机构",
    "case.person": "按申请人查找",
    "case.reveal": "查看申请人",
    "case.export": "导出办件列表",
    "briefing.plan": "安排简报",
    "briefing.end": "停止简报",
    "view.share": "共享常用查询",
    "view.unshare": "停止共享常用查询",
    "alarm.accept": "核实告警",
    "finding.explain": "核实疑点",
    "tolerance.set": "设置宽限",
    "tolerance.judge": "按新宽限重判疑点",
    "dead.came": "收到读不出的记录",
    "dead.show": "查看死信原文",
    "dead.reinject": "死信计入",
    "dead.drop": "放弃死信",
    "epoch.open": "启用站点缓存",
    "epoch.reached": "站点缓存收到此号",
    "epoch.lost": "站点声明缺失时本库没有的编号",
    "policy.set": "设置站点要求",
    "policy.draw": "画摄像机区域",
    "policy.anew": "重新送达站点要求",
    "maintenance.set": "安排站点维护",
    "maintenance.end": "结束站点维护",
    "site.add": "新增站点",
    "site.reissue": "重发登记命令",
    "site.retire": "停用站点",
    "site.revoke": "吊销站点机器",
    "site.escrow": "取出托管的主密钥",
    "release.rollout": "推送发行",
    "release.halt": "停止推送",
    "release.halted": "推送自动停止",
    "release.finished": "推送完成",
    "release.rolled_back": "站点机器自动退回",
    "release.refused": "站点机器没有升级",
    "key.reseal": "开始把旧密钥下的内容换到现用数据密钥",
    "key.resealed": "内容已全部换到现用数据密钥",
    "central.backup": "备份市中心",
    "central.restore": "恢复市中心",
    "central.root": "根密钥移出本机",
    "box.enrol": "站点机器登记",
    "calendar.import": "导入工作日历",
    "light.withdrawn": "撤销红灯",
    "light.kept": "维持红灯",
    "item.import": "导入事项",
    "rule.confirmed": "核实不符合规则属实",
    "rule.rejected": "核实不符合规则不属实",
    "clue.confirmed": "核实体外循环线索属实",
    "clue.rejected": "核实体外循环线索不属实",
    "rules.set": "更改规则参数",
    "rules.sign": "登记规则的法律审核意见",
    "rules.confirm": "确认规则的法律审核意见",
    "item.draft": "起草事项的改动",
    "item.approved": "审定事项的改动",
    "item.refused": "不同意事项的改动",
    "item.withdrawn": "撤回事项的改动",
    "issuer.set": "设置发文机关",
    "document.show": "查看文书",
    "document.issue": "签发文书",
    "document.draft": "起草文书",
    "document.edit": "改动文书草稿",
    "document.drop": "作废文书草稿",
    "document.spoil": "文书作废",
    "document.answer": "答复文书",
    "seal.upload": "上传印章",
    "seal.confirm": "确认印章",
    "seal.end": "退回或停用印章",
    "seal.show": "查看印章图片",
    "correction.act": "办理纠错",
    "statute.set": "登记法律法规",
    "statute.import": "导入法律法规全文",
    "statute.draft": "拟法规",
    "statute.released": "发布法规",
    "statute.refused": "法规未通过",
    "blank.draft": "拟表格",
    "blank.released": "发布表格",
    "blank.refused": "表格未通过",
    "blank.withdrawn": "撤回表格",
    "bulletin.draft": "拟公告",
    "bulletin.released": "发布公告",
    "bulletin.refused": "公告未通过",
    "bulletin.withdrawn": "撤回公告",
    "excerpt.draft": "拟投诉答复选登",
    "excerpt.released": "发布投诉答复选登",
    "excerpt.refused": "投诉答复选登未通过",
    "excerpt.withdrawn": "撤回投诉答复选登",
    "complaint.act": "办理投诉",
    "complaint.reveal": "查看投诉人",
    "complaint.link": "关联投诉与办件",
    "rating.act": "办理评价",
    "rating.reveal": "查看评价人电话",
    "rating.print": "打印评价码",
    "consult.act": "办理咨询",
    "survey.draft": "拟调查",
    "survey.decide": "审核、公布或撤回调查",
    "window.add": "设置窗口评价码",
    "window.close": "停用窗口评价码",
    "user.home": "登记用户所属",
    "statistics.export": "导出统计",
    "scheme.draft": "起草评分方案",
    "scheme.approved": "审定评分方案",
    "scheme.refused": "不同意评分方案",
    "scheme.withdrawn": "撤回评分方案",
    "score.begin": "开始评分",
    "score.run": "评分",
    "score.final": "评分定稿",
    "score.object": "对评分提出异议",
    "score.granted": "认定异议成立",
    "score.refused": "认定异议不成立",
    "publication.draft": "拟公布件",
    "publication.released": "发布",
    "publication.refused": "公布件未通过",
    "publication.withdrawn": "撤回公布",
    "user.contact": "登记用户的手机与邮箱",
    "message.resend": "重发消息",
    "message.settle": "未送达消息已另行告知",
    "message.silence": "静默",
    "message.unsilence": "结束静默",
    "message.secret": "写入通道口令",
    "message.test": "试发消息",
    "ladder.draft": "起草通知阶梯",
    "ladder.approved": "审定通知阶梯",
    "ladder.refused": "不同意通知阶梯",
    "ladder.withdrawn": "撤回通知阶梯",
    "still.show": "查看证据图片或短片",
    "still.screen": "大屏轮流显示已遮挡的图片",
    "still.reveal": "查看未遮挡的图片或短片",
    "live.begin": "开始看现场",
    "live.end": "看完现场",
    "live.reveal": "看未遮挡的现场",
    "still.drop": "到期或超量删除图片或短片",
    "absence.confirmed": "确认脱岗",
    "absence.rejected": "认定不是脱岗",
    **{f"command.{act.value}": f"指令：{act.word}" for act in Act},
}
"""Everything that is written down: act -> its word."""


class Line(Struct, frozen=True):
    """`id` counts from 1 without gaps; `at_wall` is wall time in microseconds; `subject` holds no personal data."""

    id: int
    at_wall: int
    who: str
    act: str
    subject: str
    why: str
    chain: bytes


class Seal(Struct, frozen=True):
    """The hall signs that the hash of line `upto` is `chain`."""

    upto: int
    chain: bytes
    at_wall: int
    signature: bytes


class Fault(Struct, frozen=True):
    """What is not as it was written; `line`: its number, 0 for none."""

    line: int
    what: str


def chained(before: bytes, number: int, at_wall: int, who: str, act: str, subject: str, why: str) -> bytes:
    """The hash of the line `number` after one whose hash is `before`."""
    return sha256(before + msgspec.msgpack.encode([number, at_wall, who, act, subject, why])).digest()


def sealed(sign_secret: bytes, upto: int, chain: bytes, at_wall: int) -> Seal:
    """`sign_secret`: the hall's raw Ed25519 operations key."""
    return Seal(upto, chain, at_wall, crypto.sign(sign_secret, _message(upto, chain, at_wall)))


def _message(upto: int, chain: bytes, at_wall: int) -> bytes:
    numbers = upto.to_bytes(8, "big", signed=True) + at_wall.to_bytes(8, "big", signed=True)
    return b"MC1 audit|" + numbers + chain


def is_sealed_by(sign_key: bytes, seal: Seal) -> bool:
    return crypto.verify(sign_key, _message(seal.upto, seal.chain, seal.at_wall), seal.signature)


def code(chain: bytes) -> str:
    """What a person writes down of a hash."""
    return chain.hex()[:CODE_DIGITS]


class Check:
    """Feed it the trail in order, then finish: `faults` in order of lines. Memory: the seals and the kept codes."""

    def __init__(
        self,
        sign_key: bytes,
        seals: Sequence[Seal],
        kept: Iterable[tuple[int, str]] = (),
        after: tuple[int, bytes] = (0, START),
    ) -> None:
        """`sign_key`: the hall's raw public operations key. `kept`: number and code, as somebody wrote them down.
        `after`: number and hash of the line behind which it is fed.
        """
        self.faults: list[Fault] = []
        self.newest, self.chain = after
        self.signed = 0
        """The highest number that a sound signature vouches for."""
        self._sign_key = sign_key
        self._seals = {seal.upto: seal for seal in seals}
        self._kept = dict(kept)

    def feed(self, lines: Iterable[Line]) -> None:
        """Lines in order of numbers."""
        for line in lines:
            if line.id != self.newest + 1:
                missing = (
                    f"{self.newest + 1}" if line.id == self.newest + 2 else f"{self.newest + 1}-{line.id - 1}"
                )
                self._fault(line.id, f"第 {missing} 行不见了")
            self.chain = chained(
                self.chain, line.id, line.at_wall, line.who, line.act, line.subject, line.why
            )
            if line.chain != self.chain:
                self._fault(line.id, "内容与校验值不符：这一行或它之前的被改过、增删过")
                self.chain = line.chain  # so that the next fault is the next place
            self.newest = line.id
            self._vouch(line)

    def _vouch(self, line: Line) -> None:
        kept = self._kept.pop(line.id, None)
        if kept is not None and not line.chain.hex().startswith(kept.lower()):
            self._fault(line.id, f"与记下的校验码 {kept} 不符，现为 {code(line.chain)}")
        seal = self._seals.pop(line.id, None)
        if seal is None:
            return
        if not is_sealed_by(self._sign_key, seal):
            self._fault(line.id, "签名不是市中心的操作密钥所签")
        elif seal.chain != line.chain:
            self._fault(line.id, "与市中心签过的校验值不符：签名之后被改过")
        else:
            self.signed = line.id

    def finish(self) -> None:
        """What is left over vouches for lines that are not there."""
        gone = [upto for upto in self._seals if not 1 <= upto <= self.newest]
        gone += [number for number in self._kept if number > self.newest]
        for number in sorted(set(gone)):
            self._fault(number, f"第 {number} 行签过名或被记下过，现在只有 {self.newest} 行")

    def _fault(self, line: int, what: str) -> None:
        self.faults.append(Fault(line, what))
