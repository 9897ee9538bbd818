% rebase("layout.tpl", title=_("All is set"))
<section class="sheet narrow card">
<h1>{{_("All is set")}}</h1>
<dl>
<div><dt>{{_("Keeper")}}</dt><dd>{{who_is(account)}}</dd></div>
<div><dt>{{_("Address")}}</dt><dd>{{account.name}}{{"@" + domain if domain else ""}}</dd></div>
<div><dt>{{_("Village")}}</dt><dd>{{village}}</dd></div>
% include("device/wifi-facts.tpl")
</dl>
<h2 class="next">{{_("Connection to the relay")}}</h2>
% include("device/claim-state.tpl")
<h2 class="next">{{_("What comes next")}}</h2>
% if restarts:
<p>{{_("The Wi-Fi starts anew with this name and key. Write them down, and connect your phone again.")}}</p>
% end
<p>{{_("Then tell your neighbours: everybody registers with a phone. Who may, you choose under “More”, “Villagers”.")}}</p>
<p class="actions"><a class="button quiet" href="/first/village">{{_("Change something")}}</a></p>
<form method="post" action="/first/done">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="wide">{{_("Done")}}</button>
</form>
</section>
