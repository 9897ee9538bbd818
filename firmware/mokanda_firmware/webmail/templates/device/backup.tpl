% rebase("layout.tpl", title=_("Backup"))
<h1>{{_("Backup")}}</h1>
% state = view and view.state
% if state == "restarting":
<section class="sheet card" role="status">
<p>{{_("The device starts anew with these data. This takes some minutes. Then log in as it was there.")}}</p>
</section>
% elif state == "working":
<section class="sheet card" role="status">
<p>{{_("Please leave the stick in the device. This takes some minutes.")}}</p>
<progress max="1" value="{{view.progress or 0}}">{{_("Please leave the stick in the device. This takes some minutes.")}}</progress>
<p class="actions"><a class="button quiet" href="/backup">{{_("Look again")}}</a></p>
</section>
% elif state == "checked":
% found = view.found
<section class="sheet card">
<h2>{{_("This is in the backup")}}</h2>
<dl>
<div><dt>{{_("Made on")}}</dt><dd>{{when_exactly(found.made)}}</dd></div>
% if found.village:
<div><dt>{{_("Village")}}</dt><dd>{{found.village}}</dd></div>
% end
% if found.domain:
<div><dt>{{_("Domain")}}</dt><dd>{{found.domain}}</dd></div>
% end
<div><dt>{{_("Accounts")}}</dt><dd>{{found.accounts}}</dd></div>
<div><dt>{{_("Letters")}}</dt><dd>{{found.letters}}</dd></div>
<div><dt>{{_("Its size")}}</dt><dd>{{size(found.size)}}</dd></div>
</dl>
<p>{{_("It takes the place of all that is on the device now. Letters that came from the world since then come again with the next mail run; others that are not in the backup are put aside for 14 days, and then gone.")}}</p>
<form method="post" action="/backup/restore">
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, replace what is on the device now")}}</label>
<button class="wide">{{_("Restore this backup")}}</button>
</form>
<form method="post" action="/backup/cancel">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="wide quiet">{{_("Leave all as it is")}}</button>
</form>
</section>
% else:
% if view and view.detail:
<p class="{{"problem" if state == "failed" else "note"}}" role="{{"alert" if state == "failed" else "status"}}">{{said(view.detail)}}</p>
% end
% if view:
<section class="sheet card">
% if view.stick is None:
<p>{{_("There is no memory stick in the device. Plug one into its USB port, wait ten seconds and look again.")}}</p>
% elif view.problem:
<p>{{said(view.problem)}}</p>
% else:
<dl>
<div><dt>{{_("Memory stick")}}</dt><dd>{{view.stick or "USB"}}</dd></div>
<div><dt>{{_("Room on it")}}</dt><dd>{{size(view.room)}}</dd></div>
% if is_keeper:
<div><dt>{{_("Size of a backup")}}</dt><dd>{{size(view.needed)}}</dd></div>
% end
</dl>
% end
<p class="actions"><a class="button quiet" href="/backup">{{_("Look again")}}</a></p>
</section>
% end
% ready = view and view.stick is not None and not view.problem
% if ready and is_keeper:
<form class="sheet" method="post" action="/backup/make">
<input type="hidden" name="csrf" value="{{csrf}}">
<h2>{{_("Make a backup")}}</h2>
<label for="passphrase">{{_("Passphrase")}}</label>
<input id="passphrase" name="passphrase" type="password" minlength="{{shortest}}" required autocomplete="new-password" aria-describedby="about-passphrase">
<p class="hint" id="about-passphrase">{{_("At least {number} characters; four or five words are good. Without it nobody can read the backup: no thief, and not you either. Write it down and keep it away from the stick.").format(number=shortest)}}</p>
<label for="again">{{_("The passphrase once more")}}</label>
<input id="again" name="again" type="password" required autocomplete="new-password">
<button class="wide">{{_("Make a backup")}}</button>
</form>
% end
% if ready and view.backups:
<form class="sheet" method="post" action="/backup/check">
<input type="hidden" name="csrf" value="{{csrf}}">
<h2>{{_("Restore a backup")}}</h2>
<fieldset>
<legend>{{_("On the stick")}}</legend>
% for number, one in enumerate(view.backups):
<label class="pick"><input type="radio" name="name" value="{{one.name}}" required{{!"" if number else " checked"}}> {{", ".join(filter(None, (when_exactly(one.made), one.village, size(one.size))))}}</label>
% end
</fieldset>
<label for="its-passphrase">{{_("Its passphrase")}}</label>
<input id="its-passphrase" name="passphrase" type="password" required autocomplete="off">
<button class="wide quiet">{{_("Look what is in it")}}</button>
<p class="hint">{{_("Nothing is changed yet: you are asked once more.")}}</p>
</form>
% end
% if not is_keeper:
<p class="actions"><a class="button quiet" href="/">{{_("Back")}}</a></p>
% end
% if is_keeper and view and view.before:
<section class="sheet">
<h2>{{_("Before the last restore")}}</h2>
<p>{{_("What was on the device until {date} is kept for 14 days.").format(date=when_exactly(view.before))}}</p>
<form method="post" action="/backup/go-back">
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, replace what is on the device now")}}</label>
<button class="wide quiet">{{_("Go back to it")}}</button>
</form>
<form method="post" action="/backup/forget">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="wide quiet">{{_("Delete it now")}}</button>
</form>
</section>
% end
% end
