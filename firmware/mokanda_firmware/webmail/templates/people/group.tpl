% rebase("layout.tpl", title=_("Group"))
<form class="sheet" method="post" action="/people/group">
<h1>{{_("Group")}}</h1>
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="old" value="{{old}}">
<label for="name">{{_("Its name")}}</label>
<input id="name" name="name" value="{{name}}" maxlength="32" autocapitalize="none" spellcheck="false" required aria-describedby="about-name">
<p class="hint" id="about-name">{{_("Written after “To”, it stands for all people of the group.")}}</p>
<label for="members">{{_("Who is in it")}}</label>
<textarea id="members" name="members" rows="6" autocapitalize="none" spellcheck="false" aria-describedby="about-members">
{{members}}</textarea>
<p class="hint" id="about-members">{{_("A name from the village, or an address like name@example.org, on each line.")}}</p>
<p class="actions"><button>{{_("Save")}}</button>
% if old:
<button class="quiet" name="dissolve" value="1">{{_("Dissolve the group")}}</button>
% end
<a class="button quiet" href="/people">{{_("Back")}}</a></p>
</form>
