% rebase("layout.tpl", title=_("Wipe this device"))
<section class="sheet narrow card">
<h1>{{_("Wipe this device")}}</h1>
<p>{{ngettext("All that it keeps goes for good: the account of {number} villager,", "All that it keeps goes for good: the accounts of {number} villagers,", villagers).format(number=villagers)}} {{_("every letter, photo, draft and contact, the news, what was counted and done, the name of the village, the Wi-Fi and its key.")}}</p>
<p>{{_("The key to the relay and the claim go too. The village has no addresses until the operator of the relay gives you a new claim file; the old one works no more.")}}</p>
<p>{{_("The device then starts like a new one, with an open Wi-Fi, and whoever comes first becomes its keeper.")}}</p>
<p>{{_("With a backup on a memory stick, all of it can come back.")}} <a href="/backup">{{_("Backup")}}</a></p>
<form method="post" action="/device/wipe">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="username" value="{{account.name}}" autocomplete="username">
<label for="password">{{_("Your password")}}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, wipe all of it for good")}}</label>
<button class="wide quiet">{{_("Wipe this device")}}</button>
</form>
<p class="actions"><a class="button" href="/device/village">{{_("Back")}}</a></p>
</section>
