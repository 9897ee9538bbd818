% rebase("layout.tpl", title=_("Order a bundle"))
<h1>{{_("Order a bundle")}}</h1>
<section class="sheet card">
<h2 dir="auto">{{offer.name or _("Menu of the bundles")}}</h2>
<dl>
% if seller:
<div><dt>{{_("Network")}}</dt><dd>{{seller}}</dd></div>
% end
% if offer.volume:
<div><dt>{{_("Data")}}</dt><dd dir="auto">{{offer.volume}}</dd></div>
% end
% if offer.price:
<div><dt>{{_("Price")}}</dt><dd dir="auto">{{offer.price}}</dd></div>
% end
<div><dt>{{_("What is sent")}}</dt><dd><bdi>{{offer.form.send}}</bdi>{{" → %s" % offer.form.to if offer.form.to else ""}}</dd></div>
</dl>
<form method="post" action="/device/modem/order#orders">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="number" value="{{number}}">
<input type="hidden" name="card" value="{{card}}">
<input type="hidden" name="offer" value="{{key}}">
<p>{{_("This takes money from the SIM card’s credit. Price and data may have changed: the network’s shop knows them.")}}</p>
<button class="wide">{{_("Order it")}}</button>
</form>
<p class="actions"><a class="button quiet" href="/device/modem#orders">{{_("Back, and order nothing")}}</a></p>
</section>
