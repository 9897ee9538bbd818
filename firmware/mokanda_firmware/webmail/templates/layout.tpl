<!doctype html>
<html lang="{{language.code}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
% if get("refresh"):
<meta http-equiv="refresh" content="{{refresh}}">
% end
<title>{{title}} – Mokanda</title>
<link rel="stylesheet" href="{{stylesheet}}">
<link rel="icon" href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path fill='%239c3a12' d='M0 2h16v12H0z'/><path fill='none' stroke='%23fff' d='M0 2l8 7 8-7'/></svg>">
% if script:
<script src="{{script}}" defer></script>
% end
</head>
<body>
<a class="skip" href="#main">{{_("Skip to the content")}}</a>
<header>
<div class="bar">
<a class="brand" href="/"><svg viewBox="0 0 28 20" width="28" height="20" aria-hidden="true"><path d="M1.5 1.5h25v17h-25zl12.5 10L26.5 1.5" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linejoin="round"/></svg> Mokanda</a>
% if village:
<span class="village">{{village}}</span>
% end
</div>
% if account and not get("bare"):
<nav aria-label="{{_("Folders")}}">
<ul>
% for place, name in (("inbox", _("Inbox")), ("outbox", _("Outbox")), ("sent", _("Sent")), ("more", _("More"))):
<li><a href="/{{place}}"{{!' aria-current="page"' if path == "/" + place else ""}}>{{name}}\\
% if unread.get(place):
 <b class="count">{{unread[place]}}<span class="unseen"> {{_("unread")}}</span></b>\\
% end
</a></li>
% end
</ul>
</nav>
% end
</header>
<main id="main">
% if note:
<div class="note" role="status">{{note}}\\
% if undo:
<form method="post" action="/move">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="from" value="{{path.strip("/")}}">
% for entry in undo:
<input type="hidden" name="entry" value="{{entry}}">
% end
<button class="quiet" name="do" value="back">{{_("Undo")}}</button>
</form>
% end
</div>
% end
% if get("problem"):
<p class="problem" role="alert">{{problem}}</p>
% end
{{!base}}
</main>
<footer>
% if account:
<form method="post" action="/logout">
<input type="hidden" name="csrf" value="{{csrf}}">
<bdi>{{who_is(account)}}</bdi>
<button class="plain">{{_("Log out")}}</button>
</form>
% end
% if not get("asks_language"):
% if get("language_by_address"):
<form action="{{path}}" aria-label="{{_("Language")}}">
% else:
<form method="post" action="/language" aria-label="{{_("Language")}}">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="back" value="{{back}}">
% end
% for one in languages:
<button class="plain" name="language" value="{{one.code}}" lang="{{one.code}}"{{!' aria-pressed="true"' if one is language else ""}}>{{one.name}}</button>
% end
</form>
% end
</footer>
</body>
</html>
