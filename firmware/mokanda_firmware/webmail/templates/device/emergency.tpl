% rebase("layout.tpl", title=_("The device needs help"))
<section class="sheet narrow card">
<h1>{{_("The device needs help")}}</h1>
<p class="problem" role="alert">{{sentence}}</p>
% if advice:
<p>{{advice}}</p>
% end
<p>{{_("Please tell your keeper. Mail from the world waits at the relay for 30 days.")}}</p>
</section>
% if can_act:
% if not is_wiping:
<section class="sheet narrow">
<h2>{{_("Restore a backup")}}</h2>
<p>{{_("All that was on the device when it was made comes back.")}}</p>
<p><a class="button wide" href="/backup">{{_("Restore a backup")}}</a></p>
</section>
<section class="sheet narrow">
<h2>{{_("With the code from the card")}}</h2>
<p>{{_("Who holds the card may do more. Switch the device off, put the card into a laptop and make an empty file {file} on SETUP. Put the card back, start the device, wait three minutes, switch it off and read the code in the file.").format(file=file)}}</p>
% if update:
<form method="post" action="/update">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="update-code">{{_("The code")}}</label>
<input id="update-code" name="code" required autocomplete="off" autocapitalize="none" maxlength="40">
<button class="wide">{{_("Install version {version}").format(version=update)}}</button>
</form>
% end
<form method="post" action="/anew">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="code">{{_("The code")}}</label>
<input id="code" name="code" required autocomplete="off" autocapitalize="none" maxlength="40">
<p class="hint">{{_("The device begins anew, with its addresses and no villagers; whoever goes on first becomes its keeper. Mail of the last 30 days comes again to those who take their old name. What is on the device now is put aside for 14 days.")}}</p>
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, begin anew")}}</label>
<button class="wide quiet">{{_("Begin anew")}}</button>
</form>
</section>
<section class="sheet narrow">
<h2>{{_("Getting the letters off the card")}}</h2>
<p>{{_("A computer with Linux reads them from the last partition of the card, in the folder mokanda: mail.db has the letters, attachments the files. The keeper's manual tells more.")}}</p>
</section>
% end
<section class="sheet narrow">
<form method="post" action="/restart">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="wide quiet">{{_("Switch off and on")}}</button>
</form>
<form method="post" action="/off">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="wide quiet">{{_("Switch off")}}</button>
</form>
<p><a href="/logs">{{_("Log")}}</a></p>
</section>
% end
