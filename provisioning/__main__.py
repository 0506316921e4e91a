"""`python -m provisioning`: the demonstration. Parse, call, print."""

from common.cli import invoke

import click  # isort: skip


@click.group(help="明察 部署：演示。")
def cli() -> None:
    """Group of commands."""


@cli.command(help="在本机演示：一个市中心、18 个站点、会动的业务库。Ctrl-C 停止，不留任何东西。")
@click.option("--port", default=8080, help="网页端口。", show_default=True)
@click.option("--pace", default=300.0, help="工作时间快多少倍。", show_default=True)
@click.option("--rest-pace", default=6000.0, help="夜间与周末快多少倍。", show_default=True)
@click.option("--embedded", is_flag=True, help="不用 Mosquitto，用程序内的消息服务。")
def demo(port: int, pace: float, rest_pace: float, embedded: bool) -> None:
    from provisioning.demo import launch

    launch.run(launch.Options(port=port, pace=pace, rest_pace=rest_pace, embedded=embedded))


if __name__ == "__main__":
    invoke(cli)
