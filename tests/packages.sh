#!/usr/bin/env bash
# Install the Debian packages named as arguments that are not there yet; without root, say which are missing.
set -euo pipefail
missing=()
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "缺少软件包：${missing[*]}    请执行：sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "安装软件包：${missing[*]}" >&2
# The tests start every server themselves: a freshly installed one must not take its port at boot.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/tmp/mingcha-apt.log 2>&1 ||
  { tail -n 20 /tmp/mingcha-apt.log >&2; exit 1; }
