% rebase("layout.tpl", title=message.subject or _("(no subject)"))
<article class="sheet">
<h1 dir="auto">{{message.subject or _("(no subject)")}}</h1>
<dl class="people">
<div><dt>{{_("From")}}</dt><dd><bdi>{{who(message.sender, from_outside=letter.from_outside)}}</bdi>\\
% if message.sender.name and (letter.from_outside or not is_here(message.sender.address)):
 <span class="address">{{message.sender.address}}</span>\\
% end
</dd></div>
% if answered:
<div><dt>{{_("Answers go to")}}</dt><dd class="address">{{", ".join("%s <%s>" % (one.name, one.address) if one.name else one.address for one in answered)}}</dd></div>
% end
% for title, people in ((_("To"), message.to), (_("Copy to"), message.cc)):
% if people:
<div><dt>{{title}}</dt><dd>\\
% include("letters/names.tpl", people=people)
</dd></div>
% end
% end
% if message.others:
<div><dt></dt><dd class="hint">{{_("and {number} more").format(number=message.others)}}</dd></div>
% end
<div><dt>{{_("Date")}}</dt><dd>{{when_exactly(letter.date)}}</dd></div>
% if abs(letter.at - letter.date) >= 24 * 3600:
<div><dt>{{_("Arrived")}}</dt><dd>{{when_exactly(letter.at)}}</dd></div>
% end
</dl>
% if is_long:
% include("letters/answers.tpl")
% end
% if forged:
<p class="problem">{{_("Take care: somebody else may have written this letter. Nothing shows that it is from {domain}.").format(domain=forged)}}</p>
% end
% if imitating:
<p class="problem">{{_("Take care: {address} is no address of {domain}, it only looks like one.").format(address=imitating[0], domain=imitating[1])}}</p>
% elif mixes_scripts:
<p class="hint">{{_("The name or address of the writer mixes letters of several scripts, which look alike: it may be made to pass for another one.")}}</p>
% end
% if letter.from_outside and poses(message.sender):
<p class="hint">{{_("This letter came from outside the village, although its writer has the name or address of a villager.")}}</p>
% end
% if letter.deliveries:
<ul class="deliveries">
% for one in letter.deliveries:
<li class="{{one.state}}">{{one.address.partition("@")[0] if is_here(one.address) else one.address}}: {{_(states[one.state])}}\\
% if one.state != "waiting":
, {{when_exactly(one.at)}}\\
% end
% if one.reason:
 <span class="reason">{{explain(one.reason)}}</span> <small class="reason" lang="en">({{one.reason}})</small>\\
% end
</li>
% end
</ul>
% end
% if estimate:
<p class="hint">{{estimate.why}} {{_("It takes about {size}.").format(size=size(estimate.size))}}{{" " + _("That costs {price}.").format(price=estimate.price) if estimate.price else ""}}</p>
% end
% if letter.waits_because:
<p class="hint">{{_("It waits again:")}} {{_(letter.waits_because)}}</p>
% end
% if letter.stub:
<p class="text">{{waits}}</p>
% include("letters/content-request.tpl", field="what", value="mail", whole=letter.stub.size, request=letter.stub.request, ask=_("Fetch the letter"))
% else:
% if part.begins:
<p class="actions"><a class="button quiet" href="/mail/{{letter.entry}}">{{_("From the beginning")}}</a></p>
% end
<div class="text" dir="auto">{{!body}}\\
% if noted:
<p class="hint">{{_(noted)}}</p>\\
% elif not (body or letter.files or is_unread):
<p class="hint">{{_("There are no words in this letter.")}}</p>\\
% end
</div>
% if rest:
<details class="rest">
<summary>{{_("Read on")}}</summary>
<div class="text" dir="auto">{{!rest}}</div>
</details>
% end
% if part.following:
<p class="actions"><a class="button quiet" href="/mail/{{letter.entry}}?from={{part.following}}">{{_("Read on")}}</a></p>
% elif goes_on:
<p class="hint">{{_("Only the beginning of this letter is here. The rest is at the relay.")}}</p>
% include("letters/content-request.tpl", field="file", value=0, whole=letter.files[0].whole.size, request=letter.files[0].request, ask=_("Fetch the letter"))
% elif is_unread:
<p class="hint">{{_("The relay could not read this letter. It can send it as it came from the world:")}}</p>
% end
% end
% if show_pictures:
% for position in pictures:
<p><img class="picture" src="/mail/{{letter.entry}}/picture/{{position}}" alt="{{message.attachments[position].name}}"></p>
% end
% elif pictures:
<p class="actions"><a class="button quiet" href="/mail/{{letter.entry}}?pictures=1">{{_("Show the pictures")}}</a></p>
% end
% if letter.files[goes_on:]:
<h2>{{_("Files")}}</h2>
<ul class="attachments">
% for position, file in enumerate(letter.files):
% if position or not goes_on:
<li>\\
% if file.here:
<a href="/mail/{{letter.entry}}/file/{{position}}" download>{{file.here.name}}</a> <span class="hint">{{size(file.here.size)}}\\
% if not file.is_whole:
, {{_("made smaller for the way")}}\\
% end
</span>\\
% else:
{{file.whole.name}} <span class="hint">{{_("not on this device")}}</span>\\
% end
% if not file.is_whole:
% include("letters/content-request.tpl", field="file", value=position, whole=file.whole.size, request=file.request, ask=_("Fetch the original") if file.here else _("Fetch the file"))
% end
</li>
% end
% end
</ul>
% end
% if letter.original_digest:
<p><a href="/mail/{{letter.entry}}/original" download>{{_("The mail as it came from the world")}}</a></p>
% elif letter.original:
<details>
<summary>{{_("The mail as it came from the world")}}</summary>
% include("letters/content-request.tpl", field="what", value="original", whole=letter.original.size, request=letter.original.request, ask=_("Fetch it"))
</details>
% end
% if no_answer:
<p class="hint">{{no_answer}}</p>
% end
% include("letters/answers.tpl")
% if letter.waiting:
<form class="actions" method="post" action="/mail/{{letter.entry}}/take-back">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="quiet">{{_("Take it back")}}</button>
</form>
% elif letter.folder != "outbox":
<form class="actions" method="post" action="/move">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="entry" value="{{letter.entry}}">
<input type="hidden" name="from" value="{{letter.folder}}">
% if letter.folder in ("trash", "archive"):
<button class="quiet" name="do" value="back">{{_("Put back")}}</button>
% else:
<button class="quiet" name="do" value="archive">{{_("Archive")}}</button>
% end
% if letter.starred:
<button class="quiet" name="do" value="unstar">★ {{_("Take the star away")}}</button>
% else:
<button class="quiet" name="do" value="star">☆ {{_("Put a star on it")}}</button>
% end
% if letter.origin == "received" and letter.folder != "trash":
<button class="quiet" name="do" value="unread">{{_("Mark as unread")}}</button>
% end
% if letter.folder == "trash":
<button class="quiet" name="do" value="delete">{{_("Delete for good")}}</button>
% else:
<button class="quiet" name="do" value="trash">{{_("Delete")}}</button>
% end
</form>
% end
% include("letters/strangers.tpl")
<p class="aside"><a href="/mail/{{letter.entry}}/print{{"?from=%d" % part.begins if part.begins else ""}}">{{_("For printing")}}</a></p>
</article>
% if conversation:
<section class="sheet thread">
<h2>{{_("This conversation")}}</h2>
<ul>
% for one in conversation:
<li{{!' class="unread"' if one.unread else ""}}>\\
% if one.entry == letter.entry:
<span aria-current="true"><bdi>{{who(one.sender, from_outside=one.from_outside)}}</bdi>{{" " + short(one.sender.address) if one.from_outside and one.sender.name else ""}} <span class="when">{{when(one.date)}}</span></span>\\
% else:
<a href="/mail/{{one.entry}}"><bdi>{{who(one.sender, from_outside=one.from_outside)}}</bdi>{{" " + short(one.sender.address) if one.from_outside and one.sender.name else ""}} <span class="when">{{when(one.date)}}</span></a>\\
% end
</li>
% end
</ul>
</section>
% end
