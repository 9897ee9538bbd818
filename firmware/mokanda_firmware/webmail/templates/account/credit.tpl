% rebase("layout.tpl", title=_("My credit"))
<section class="sheet card">
<h1>{{_("My credit")}}</h1>
% include("account/balance.tpl")
% if used_up:
<p class="note">{{_("Letters to the world wait until you have paid in. Reading goes on, and so do letters in the village.")}}</p>
% end
% if account.is_keeper:
<p class="hint">{{_("Keepers pay nothing for their letters.")}}</p>
% elif rules.on:
<p class="hint">{{_("After each mail run, what your letters have cost is taken off: those that left, and those that came. Reading costs nothing, nor do letters in the village.")}}</p>
% else:
<p class="hint">{{_("Letters are not paid for at the moment.")}}</p>
% end
% include("account/entries.tpl")
<p class="actions"><a class="button quiet" href="/account">{{_("Back")}}</a></p>
</section>
