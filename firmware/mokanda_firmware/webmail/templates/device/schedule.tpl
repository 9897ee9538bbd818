% rebase("layout.tpl", title=_("Times and prices"))
<h1>{{_("Times and prices")}}</h1>
<form class="sheet" method="post" action="/plan">
<input type="hidden" name="csrf" value="{{csrf}}">
<h2>{{_("When mail goes")}}</h2>
% if times:
<p>{{_("Now it goes at {times}.").format(times=", ".join(times))}}</p>
% else:
<p>{{_("Now it does not go by itself.")}}</p>
% end
<label for="every">{{_("How often")}}</label>
<select id="every" name="every">
% for minutes, name in often.items():
<option value="{{minutes}}"{{!" selected" if fields["every"] == str(minutes) else ""}}>{{_(name)}}</option>
% end
</select>
<div class="pair">
<p><label for="first">{{_("First at")}}</label>
<input id="first" name="first" type="time" value="{{fields["first"]}}" required></p>
<p><label for="last">{{_("Last at")}}</label>
<input id="last" name="last" type="time" value="{{fields["last"]}}" required aria-describedby="about-last"></p>
</div>
<p class="hint" id="about-last">{{_("Once a day, only the first time counts.")}}</p>
<label class="pick"><input type="checkbox" name="cheap" value="1"{{!" checked" if fields["cheap"] else ""}}> {{_("Only in the cheap hours")}}</label>
<label for="zone">{{_("Time zone of the village")}}</label>
<select id="zone" name="zone">
<option value="">{{_("universal time (UTC)")}}</option>
% for zone in zones:
<option{{!" selected" if fields["zone"] == zone else ""}}>{{zone}}</option>
% end
</select>
<h2 class="next">{{_("What data costs")}}</h2>
<div class="pair">
<p><label for="price">{{_("Price of 1 MB")}}</label>
<input id="price" name="price" value="{{fields["price"]}}" inputmode="decimal" maxlength="12"></p>
<p><label for="currency">{{_("Currency")}}</label>
<input id="currency" name="currency" value="{{fields["currency"]}}" maxlength="3" autocapitalize="characters" aria-describedby="about-currency"></p>
</div>
<p class="hint" id="about-currency">{{_("Three letters, like USD or CDF. Without a currency the device counts data, but no money.")}}</p>
% if held:
<p class="note" id="about-held">{{_("Villagers have {amount} of credit. In another currency it pays for no letters, and they may wait. First note under “Villagers' credit” what each of them has, and pay it back; then change the currency, and take it in again.").format(amount=held)}} <a href="/credit">{{_("Villagers' credit")}}</a></p>
<label class="pick"><input type="checkbox" name="sure" value="1"{{!" checked" if sure else ""}} aria-describedby="about-held"> {{_("Change the currency all the same")}}</label>
% end
% for number in windows:
<fieldset>
<legend>{{_("Hours with a price of their own, {number}").format(number=number + 1)}}</legend>
<div class="pair three">
<p><label for="start{{number}}">{{_("From")}}</label>
<input id="start{{number}}" name="start{{number}}" type="time" value="{{fields["start%d" % number]}}"></p>
<p><label for="end{{number}}">{{_("Until")}}</label>
<input id="end{{number}}" name="end{{number}}" type="time" value="{{fields["end%d" % number]}}"></p>
<p><label for="price{{number}}">{{_("Price of 1 MB")}}</label>
<input id="price{{number}}" name="price{{number}}" value="{{fields["price%d" % number]}}" inputmode="decimal" maxlength="12"></p>
</div>
</fieldset>
% end
<button class="wide">{{_("Save")}}</button>
</form>
