% rebase("layout.tpl", title=_("The Wi-Fi starts anew"))
<section class="sheet narrow card">
<h1>{{_("The Wi-Fi starts anew")}}</h1>
<p>{{_("Your phone loses it now. In a minute, connect it again:")}}</p>
<dl>
% include("device/wifi-facts.tpl")
</dl>
<p>{{_("Then open {address} or any page.").format(address="http://" + address + "/")}}</p>
<p>{{_("If it does not appear in three minutes, take the power away for ten seconds.")}}</p>
<p class="actions"><a class="button wide" href="/">{{_("I am connected again")}}</a></p>
</section>
