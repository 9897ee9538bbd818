% rebase("layout.tpl", title=_("Bundles and vouchers"))
<h1>{{_("Bundles and vouchers")}}</h1>
% titles = {"name": _("Name of the bundle"), "volume": _("Data"), "price": _("Price"), "send": _("What is sent"), "to": _("Short number that it goes to")}
% hints = {"name": _("Like 1 GB for a week."), "send": _("A code like *123*4#, or the text of a message."), "to": _("For a message. Leave it empty for a code.")}
% for_vouchers = {"send": _("Write VOUCHER where its number goes, like *123*VOUCHER#. Leave it empty to have the device know it, where it does.")}
% def begin(what, key):
<form method="post" action="/device/modem/shop">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="network" value="{{network}}">
<input type="hidden" name="what" value="{{what}}">
<input type="hidden" name="offer" value="{{key}}">
% end
% def fields(key, about):
% for name, value in forms[key].items():
% here = "%s-%s" % (name, key)
<label for="{{here}}">{{titles[name]}}</label>
<input id="{{here}}" name="{{name}}" value="{{value}}" maxlength="{{most[name]}}" autocomplete="off" spellcheck="false"{{!' inputmode="numeric"' if name == "to" else ""}}{{!' autocapitalize="none"' if name == "send" else ""}}{{!' aria-invalid="true" autofocus' if name in wrong(key) else ""}} aria-describedby="wrong-{{here}} about-{{here}}">
% if name in wrong(key):
<p class="wrong" id="wrong-{{here}}">{{wrong(key)[name]}}</p>
% end
% if name in about:
<p class="hint" id="about-{{here}}">{{about[name]}}</p>
% end
% end
% end
% if not network:
<p class="hint">{{_("The list belongs to the network of a SIM card, and there is none now.")}}</p>
% else:
<p class="hint">{{_("What you note here is for SIM cards of {network}, and goes before what the device knows.").format(network=seller or network)}}</p>
% for key, offer in forms.items():
% if key not in ("", "top-up"):
<section class="sheet card">
<details{{!" open" if wrong(key) else ""}}>
<summary dir="auto">{{" · ".join(filter(None, (offer["name"], offer["volume"], offer["price"])))}}</summary>
% begin("offer", key)
% fields(key, hints)
<button class="wide">{{_("Save")}}</button>
<button class="wide quiet" name="remove" value="1">{{_("Remove")}}</button>
</form>
</details>
</section>
% end
% end
<section class="sheet card">
<h2>{{_("A bundle more")}}</h2>
% begin("offer", "")
% fields("", hints)
<button class="wide">{{_("Add")}}</button>
</form>
</section>
<section class="sheet card">
<h2>{{_("How a voucher is sent")}}</h2>
% begin("top-up", "")
% fields("top-up", hints | for_vouchers)
<button class="wide">{{_("Save")}}</button>
</form>
</section>
% end
<p class="actions"><a class="button quiet" href="/device/modem#orders">{{_("Back")}}</a></p>
