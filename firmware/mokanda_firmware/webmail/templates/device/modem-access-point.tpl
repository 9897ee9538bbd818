<form class="sheet card" method="post" action="/device/modem">
<h2>{{_("Access point")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
% if apn:
<p>{{_("The last call went through {name}.").format(name=apn)}}</p>
% end
% if not settings.apn:
<p>{{_("The device finds the access point by itself, by the SIM card.")}}</p>
% end
% def field_end(name, hint):
{{!' aria-describedby="%sabout-%s"%s' % ("wrong-%s " % name if name in wrong else "", name, ' aria-invalid="true" autofocus' if name in wrong else "")}}>
% if name in wrong:
<p class="wrong" id="wrong-{{name}}">{{wrong[name]}}</p>
% end
<p class="hint" id="about-{{name}}">{{hint}}</p>
% end
<label for="apn">{{_("Name of the access point (APN)")}}</label>
<input id="apn" name="apn" value="{{fields["apn"]}}" maxlength="{{most["apn"]}}" autocomplete="off" autocapitalize="none" spellcheck="false"\\
% field_end("apn", _("The network or its shop tells it, like internet or vodanet. Leave it empty to have the device find it."))
<label for="username">{{_("User name")}}</label>
<input id="username" name="username" value="{{fields["username"]}}" maxlength="{{most["login"]}}" autocomplete="off" autocapitalize="none" spellcheck="false"\\
% field_end("username", _("Most networks ask for none."))
<label for="password">{{_("Password")}}</label>
<input id="password" name="password" type="password" value="{{fields["password"]}}" maxlength="{{most["login"]}}" autocomplete="new-password"\\
% field_end("password", _("Leave it empty to keep the one that is set.") if settings.password else _("It belongs to the user name."))
<label class="pick"><input type="checkbox" name="roaming" value="1"{{!" checked" if fields["roaming"] else ""}} aria-describedby="about-roaming"> {{_("Call through other networks than the card’s own, too (roaming)")}}</label>
<p class="hint" id="about-roaming">{{_("Take care: abroad and near a border a megabyte may then cost many times as much.")}}</p>
<button class="wide">{{_("Save")}}</button>
% if settings.apn:
<button class="wide quiet" name="by-itself" value="1">{{_("Let the device find the access point again")}}</button>
% end
</form>
