% rebase("layout.tpl", title=_("Write a letter"))
<form class="sheet" method="post" action="/write" enctype="multipart/form-data" data-keep="{{account.id}}">
<h1>{{_("Write a letter")}}</h1>
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="writer" value="{{account.id}}">
<input type="hidden" name="draft" value="{{sheet.draft or ""}}">
<input type="hidden" name="answers" value="{{fields["answers"]}}">
<input type="hidden" name="forwards" value="{{sheet.forwards or ""}}">
<input type="hidden" name="once" value="{{fields["once"]}}">
<input type="hidden" name="held" value="{{sheet.held}}">
<input type="hidden" name="shown" value="{{weight}}">
% for one in meant:
<input type="hidden" name="meant" value="{{one}}">
% end
% if used_up:
<p class="note">{{_("Your credit is used up. You can go on reading and writing, and letters in the village go as ever. A letter to the world waits in the outbox until you have paid in. Ask: {keepers}").format(keepers=", ".join(keepers))}}</p>
% for sentence in other:
<p class="note">{{sentence}}</p>
% end
% end
% if left_out:
<p class="note">{{_("This letter went to {number} other people: too many for one answer. It goes to its writer alone; you may add others, up to {most} in all.").format(number=left_out, most=most)}}</p>
% end
% if written_as:
<p class="hint">{{_("This letter goes out as {address}.").format(address=written_as)}}</p>
% end
<label for="to">{{_("To")}}</label>
<input id="to" name="to" value="{{fields["to"]}}" autocapitalize="none" spellcheck="false" inputmode="email" aria-describedby="about-to">
<p class="hint" id="about-to">{{_("A name from the village, or an address like name@example.org. Put commas between several.")}}</p>
% if people or groups:
<details>
<summary>{{_("Choose people")}}</summary>
% few = 6
% for name, members in groups.items():
<label class="pick"><input type="checkbox" name="also" value="{{name}}"> <b>{{name}}</b> <span class="address">{{", ".join(who(one) for one in members[:few])}}{{" " + _("and {number} more").format(number=len(members) - few) if members[few:] else ""}}</span></label>
% end
% for one in people:
<label class="pick"><input type="checkbox" name="also" value="{{one.address}}"> <bdi>{{who(one)}}</bdi>\\
% if one.name and not is_here(one.address):
 <span class="address">{{one.address}}</span>\\
% end
</label>
% end
</details>
% end
<details{{!" open" if fields["cc"] or fields["bcc"] else ""}}>
<summary>{{_("Copies")}}</summary>
<label for="cc">{{_("Copy to")}}</label>
<input id="cc" name="cc" value="{{fields["cc"]}}" autocapitalize="none" spellcheck="false" inputmode="email">
<label for="bcc">{{_("Hidden copy to")}}</label>
<input id="bcc" name="bcc" value="{{fields["bcc"]}}" autocapitalize="none" spellcheck="false" inputmode="email">
</details>
<label for="subject">{{_("Subject")}}</label>
<input id="subject" name="subject" dir="auto" value="{{fields["subject"]}}" maxlength="300">
<label for="text">{{_("Text")}}</label>
<textarea id="text" name="text" dir="auto" rows="10" aria-describedby="about-text">
{{fields["text"]}}</textarea>
<p class="hint" id="about-text">{{_("*bold*, _slanted_; lines that begin with - are a list")}}</p>
% for parts, field, name, checked in ((sheet.files, "remove", _("remove"), ""), (sheet.offered, "forward", _("pass on"), " checked")):
% if parts:
<fieldset>
<legend>{{_("Files")}}</legend>
<ul class="attachments">
% for position, part in enumerate(parts):
<li><label class="check"><input type="checkbox" name="{{field}}" value="{{position}}"{{checked}}> {{name}}</label> {{part.name}} <span class="hint">{{size(part.size)}}</span>
% both = sizes[position] if field == "remove" else None
% if both:
<fieldset class="sizes">
<legend class="unseen">{{_("How large {name} goes").format(name=part.name)}}</legend>
% for choice, name_of_choice, version in (("small", _("made smaller"), both.small), ("whole", _("as it is"), both.whole)):
<label class="pick"><input type="radio" name="photo-{{position}}" value="{{choice}}"{{" checked" if both.chosen == choice else ""}}> {{name_of_choice}}: {{size(version.size)}}{{", " + price(version.size) if price(version.size) else ""}}</label>
% end
</fieldset>
% end
</li>
% end
</ul>
</fieldset>
% end
% end
<label for="files">{{_("Add files")}}</label>
<input id="files" name="files" type="file" multiple aria-describedby="about-files">
<label for="camera">{{_("Take a photo")}}</label>
<input id="camera" name="files" type="file" accept="image/*" capture="environment" aria-describedby="about-files">
<p class="hint" id="about-files">{{_("All files of a letter together: {limit} at most").format(limit=size(limit))}}</p>
% held = sum(file.size for file in sheet.files)
<p class="hint" id="total" role="status" data-held="{{held}}" data-point="{{language.point}}" data-total="{{_("Its files together: {size}")}}" data-kb="{{_("{number} KB")}}" data-mb="{{_("{number} MB")}}">\\
% if held:
{{_("Its files together: {size}").format(size=size(held))}}{{", " + price(weight) if weight and price(weight) else ""}}\\
% end
</p>
% if left is not None:
<p class="hint">{{_("For letters to the world, {size} of the data for today are left.").format(size=size(left))}}</p>
% end
% said = {"kept": _("Kept as a draft."), "away": _("No connection: your letter is kept on this phone. Press Send again when you are nearer."), "full": _("The device has no room left; your letter is kept on this phone."), "out": _("You were logged out. Press Send to log in again; your letter is kept."), "back": _("Here is the letter that was kept on this phone.")}
<p class="hint" id="kept" role="status"\\
% for what, sentence in said.items():
 data-{{what}}="{{sentence}}"\\
% end
></p>
<p class="actions"><button name="send" value="1">{{_("Send")}}</button> <button class="quiet" name="save" value="1">{{_("Keep as draft")}}</button></p>
</form>
