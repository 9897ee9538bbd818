<!doctype html>
<html lang="{{language.code}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{message.subject or _("(no subject)")}} – Mokanda</title>
<link rel="stylesheet" href="{{stylesheet}}">
</head>
<body class="paper">
<main id="main">
<p class="unprinted"><a class="skip" href="#main">{{_("Skip to the content")}}</a><a class="button quiet" href="/mail/{{letter.entry}}">{{_("Back")}}</a></p>
<h1 dir="auto">{{message.subject or _("(no subject)")}}</h1>
<dl class="people">
% for title, people in ((_("From"), (message.sender,)), (_("To"), message.to), (_("Copy to"), message.cc)):
% if people:
<div><dt>{{title}}</dt><dd>\\
% for number, one in enumerate(people):
{{", " if number else ""}}<bdi>{{"%s <%s>" % (one.name, one.address) if one.name else one.address}}</bdi>\\
% end
</dd></div>
% end
% end
<div><dt>{{_("Date")}}</dt><dd>{{when_exactly(letter.date)}}</dd></div>
</dl>
<div class="text" dir="auto">{{!body}}</div>
% for position in pictures:
<p><img class="picture" src="/mail/{{letter.entry}}/picture/{{position}}" alt="{{message.attachments[position].name}}"></p>
% end
% if letter.files:
<p>{{_("Files")}}: {{", ".join(file.whole.name for file in letter.files)}}</p>
% end
</main>
</body>
</html>
