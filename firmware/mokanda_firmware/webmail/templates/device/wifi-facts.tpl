<div><dt>{{_("Name of the Wi-Fi")}}</dt><dd><b>{{wifi.name}}</b></dd></div>
<div><dt>{{_("Key of the Wi-Fi")}}</dt><dd>\\
% if wifi.key:
<b class="secret">{{wifi.key}}</b>\\
% else:
{{_("none: it is open")}}\\
% end
</dd></div>
