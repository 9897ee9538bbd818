% rebase("layout.tpl", title=_("Log"))
<h1>{{_("Log")}}</h1>
<form class="sheet" method="get" action="/logs">
<label for="part">{{_("Of which part")}}</label>
<select id="part" name="part">
% for one, name in parts.items():
<option value="{{one}}"{{!" selected" if one == part else ""}}>{{_(name)}}</option>
% end
</select>
<label class="pick"><input type="checkbox" name="grave" value="1"{{!" checked" if grave else ""}}> {{_("Only warnings and errors")}}</label>
<button class="quiet">{{_("Show")}}</button>
</form>
% if lines:
<ol class="sheet log">
% for line in lines:
<li{{!' class="grave"' if is_grave(line) else ""}}><time>{{when_exactly(line.at)}}</time> <b>{{_(parts[line.part])}}</b> {{line.text}}</li>
% end
</ol>
% elif not problem:
<p>{{_("There is nothing in it.")}}</p>
% end
<p class="actions"><a class="button quiet" href="/logs.txt?{{urlencode({"part": part, "grave": "1" if grave else ""})}}">{{_("Save as a file for the operator")}}</a></p>
<p class="hint">{{_("Names, addresses, numbers and keys are left out. The log begins anew at each start of the device.")}}</p>
