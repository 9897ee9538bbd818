# SPDX-License-Identifier: Apache-2.0
"""What systems of phones and computers ask for in a new network, and what makes them content."""

_SUCCESS = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
_ONLINE = "NetworkManager is online\n"
_FIREFOX = (
    '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
)
_KINDLE = (
    "<html><head><title>Kindle Reachability Probe Page</title></head>"
    "<body>81ce4465-7167-4dcb-835b-dcc9e44c112a</body></html>"
)
# What systems ask for, and what makes them content.
CONTENT = {
    "http://connectivitycheck.gstatic.com/generate_204": (204, ""),  # Android
    "http://www.google.com/gen_204": (204, ""),
    "http://play.googleapis.com/generate_204": (204, ""),
    "http://clients3.google.com/generate_204": (204, ""),  # Android 4 to 6
    "http://connectivitycheck.android.com/generate_204": (204, ""),
    "http://www.gstatic.com/generate_204": (204, ""),  # Chrome, ChromeOS
    "http://connectivity.samsung.com.cn/generate_204": (204, ""),
    "http://connectivitycheck.platform.hicloud.com/generate_204": (204, ""),  # Huawei
    "http://connect.rom.miui.com/generate_204": (204, ""),  # Xiaomi
    "http://captive.apple.com/hotspot-detect.html": (200, _SUCCESS),  # iOS, macOS
    "http://captive.apple.com/": (200, _SUCCESS),
    "http://www.apple.com/library/test/success.html": (200, _SUCCESS),
    "http://www.thinkdifferent.us/dk3/mQyK3.html": (200, _SUCCESS),  # iOS 7
    "http://www.msftconnecttest.com/connecttest.txt": (200, "Microsoft Connect Test"),  # Windows 10
    "http://www.msftncsi.com/ncsi.txt": (200, "Microsoft NCSI"),  # Windows 7
    "http://detectportal.firefox.com/canonical.html": (200, _FIREFOX),
    "http://detectportal.firefox.com/success.txt?ipv4": (200, "success\n"),
    "http://detectportal.kaiostech.com/success.txt": (200, "success"),  # KaiOS
    "http://edge-http.microsoft.com/captiveportal/generate_204": (204, ""),  # Edge
    "http://spectrum.s3.amazonaws.com/kindle-wifi/wifistub.html": (200, _KINDLE),
    "http://spectrum.s3.amazonaws.com/kindle-wifi/wifistub-eink.html": (200, _KINDLE),
    "http://nmcheck.gnome.org/check_network_status.txt": (200, _ONLINE),
    "http://network-test.debian.org/nm": (200, _ONLINE),
    "http://connectivity-check.ubuntu.com/": (204, ""),
    "http://fedoraproject.org/static/hotspot.txt": (200, "OK"),
    "http://networkcheck.kde.org/": (200, "OK\n"),
}
