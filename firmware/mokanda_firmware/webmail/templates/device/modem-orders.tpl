<section class="sheet card" id="orders">
<h2>{{_("Bundles and vouchers")}}</h2>
% if order:
<h3>{{_("The network answers")}}</h3>
<p class="said" role="status">{{came_of(order)}}</p>
% if order.number != open_menu and (order.failed or not (order.text or order.said)):
<p class="hint">{{_("Ask for the balance before you order it once more.")}}</p>
% end
% end
% if order and order.number == open_menu:
<form method="post" action="/device/modem/order#orders">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="number" value="{{next_order}}">
<input type="hidden" name="card" value="{{card}}">
<input type="hidden" name="menu" value="{{open_menu}}">
<label for="choice">{{_("Your choice from this menu")}}</label>
<input id="choice" name="choice" inputmode="tel" maxlength="20" autocomplete="off" required>
<button class="wide">{{_("Answer the network")}}</button>
</form>
% else:
% if shop.top_up:
<form method="post" action="/device/modem/top-up#orders">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="number" value="{{next_order}}">
<input type="hidden" name="card" value="{{card}}">
<label for="voucher">{{_("Number of a voucher")}}</label>
<input id="voucher" name="voucher" inputmode="numeric" maxlength="50" autocomplete="off" required aria-describedby="about-voucher">
<p class="hint" id="about-voucher">{{_("It is sent once. A photo of the voucher makes it easier to read.")}}</p>
<button class="wide">{{_("Top up")}}</button>
</form>
% end
% for offer in shop.offers:
<a class="button wide quiet" href="/device/modem/order?offer={{key_of(offer)}}"><span dir="auto">{{offer.name or _("Menu of the bundles")}}</span>\\
% if offer.volume or offer.price:
 <small dir="auto">{{" · ".join(filter(None, (offer.volume, offer.price)))}}</small>\\
% end
</a>
% end
% end
% if network:
% if not shop.offers:
<p class="hint">{{_("Nothing is known of this network’s bundles. What its shop tells can be noted here.")}}</p>
% end
<p class="actions"><a class="button quiet" href="/device/modem/shop">{{_("Change the list")}}</a></p>
% else:
<p class="hint">{{_("What can be ordered shows when there is a SIM card.")}}</p>
% end
% if orders:
<details>
<summary>{{_("The last orders")}}</summary>
<ul class="attachments">
% for each in orders:
<li><strong dir="auto">{{each.name}}</strong> <span class="reason">{{when_exactly(int(each.started.timestamp())) if each.started else _("time not known")}}</span>
<p class="said" dir="auto">{{came_of(each)}}</p></li>
% end
</ul>
</details>
% end
</section>
