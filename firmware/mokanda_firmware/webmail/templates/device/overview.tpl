% rebase("layout.tpl", title=_("Device"))
<h1 class="unseen">{{_("Device")}}</h1>
% for card in cards:
<section class="sheet card state {{card.mood}}">
% include("device/card.tpl", card=card)
% if account.is_keeper and card.action:
<form method="post" action="{{card.action}}">
<input type="hidden" name="csrf" value="{{csrf}}">
% if card.action == "/device/update" and price_of_update:
<p>{{price_of_update}}</p>
% elif card.action == "/device/trash":
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, delete what everybody has thrown away for good")}}</label>
% end
<button class="wide">{{card.action_name}}</button>
% if card.action == "/device/sync":
<p class="hint">{{price}}</p>
% if price_of_all:
<button class="wide quiet" name="beyond" value="1">{{_("Send all of it now")}}</button>
<p class="hint">{{price_of_all}}</p>
% end
% end
</form>
% end
</section>
% end
<section class="sheet card">
<details>
<summary>{{_("What the lights mean")}}</summary>
<ul class="attachments">
% for row in legend:
<li>\\
% for lamp in row.lamps:
<span class="look"><span class="lamp {{lamp.colour}}" aria-hidden="true">\\
% for lit in lamp.lit:
{{!'<i class="on"></i>' if lit else "<i></i>"}}\\
% end
</span> {{lamp.words}}</span>\\
% end
<br><b>{{row.meaning}}</b></li>
% end
</ul>
<p class="hint">{{_("Each picture shows two seconds. A device with one light shows that one alone.")}}</p>
</details>
</section>
% if account.is_keeper:
<p class="actions"><a class="button quiet" href="/device/village">{{_("Village and Wi-Fi")}}</a> <a class="button quiet" href="/device/modem">{{_("Modem and SIM")}}</a> <a class="button quiet" href="/plan">{{_("Times and prices")}}</a> <a class="button quiet" href="/spending">{{_("Data and money")}}</a></p>
% end
