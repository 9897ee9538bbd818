% rebase("layout.tpl", title=_("Village and Wi-Fi"))
<section class="sheet narrow">
<p class="hint">{{_("Step {number} of {all}").format(number=3, all=4)}}</p>
<h1>{{_("Village and Wi-Fi")}}</h1>
<form method="post" action="/first/village">
<input type="hidden" name="csrf" value="{{csrf}}">
% include("device/village-fields.tpl")
<label for="zone">{{_("Time zone of the village")}}</label>
<select id="zone" name="zone">
<option value="">{{_("universal time (UTC)")}}</option>
% for one in zones:
<option{{!" selected" if one == zone else ""}}>{{one}}</option>
% end
</select>
<button class="wide">{{_("Go on")}}</button>
</form>
% include("device/first-later.tpl")
</section>
