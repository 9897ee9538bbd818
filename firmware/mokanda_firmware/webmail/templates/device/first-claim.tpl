% rebase("layout.tpl", title=_("Connection to the relay"))
<section class="sheet narrow card">
<p class="hint">{{_("Step {number} of {all}").format(number=4, all=4)}}</p>
<h1>{{_("Connection to the relay")}}</h1>
<p>{{_("Letters in the village need nothing. To the world they go through a relay, and a claim file tells which one.")}}</p>
% include("device/claim-state.tpl")
% is_claimed = bool(claim.facts) and claim.mood != "bad"
<form method="post" action="/first/claim" enctype="multipart/form-data">
<input type="hidden" name="csrf" value="{{csrf}}">
% if is_claimed:
<button class="wide" name="later" value="1">{{_("Go on")}}</button>
% else:
% include("device/claim-fields.tpl")
<button class="wide">{{_("Use this claim file")}}</button>
<button class="wide quiet" name="later" value="1">{{_("Later")}}</button>
<p class="hint">{{_("Later you find this under “More”, “Village and Wi-Fi”; or the file is put on the card.")}}</p>
% end
</form>
</section>
