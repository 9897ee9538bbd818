% rebase("layout.tpl", title=_("Device"))
<h1 class="unseen">{{_("Device")}}</h1>
% for card in cards:
<section class="sheet card state {{card.mood}}">
<h2>{{card.title}}</h2>
<p>{{card.sentence}}</p>
% if card.detail:
<p class="hint">{{card.detail}}</p>
% end
% if card.progress is not None:
<progress max="1" value="{{card.progress}}">{{card.sentence}}</progress>
% end
% if card.facts:
<dl>
% for title, value in card.facts:
<div><dt>{{title}}</dt><dd>{{value}}</dd></div>
% end
</dl>
% end
% if account.is_keeper and card.action:
<form method="post" action="{{card.action}}">
<input type="hidden" name="csrf" value="{{csrf}}">
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
% if account.is_keeper:
<p class="actions"><a class="button quiet" href="/plan">{{_("Times and prices")}}</a> <a class="button quiet" href="/spending">{{_("Data and money")}}</a></p>
% end
