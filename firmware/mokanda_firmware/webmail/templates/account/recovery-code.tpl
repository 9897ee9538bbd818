% rebase("layout.tpl")
<section class="sheet narrow">
<h1>{{title}}</h1>
<p>{{_("Your address:")}} <b>{{account.name}}{{"@" + domain if domain else ""}}</b></p>
% if who_is(account) != account.display_name:
<p class="hint">{{_("Somebody else here has this name too. Lists show yours as “{name}”.").format(name=who_is(account))}}</p>
% end
<p id="about">{{_("Write this recovery code on paper and keep it at home. With it you come in again when you have forgotten your password. It is shown only now:")}}</p>
<p class="secret" aria-describedby="about">{{code}}</p>
% if account.is_keeper:
<p class="hint">{{_("You are the keeper of this device: you look after it. Nobody else can give you a new password.")}}</p>
% end
<p><a class="button wide" href="/inbox">{{_("I have written it down")}}</a></p>
</section>
