# SPDX-License-Identifier: GPL-3.0-or-later
# Turns apt's sources into the same entries as deb-src.
#
# In:  a file of sources.list.d, in the one-line format or (deb822=1) in stanzas; known: lines "URI SUITE" of those that
#      are wanted.
# Out: the wanted ones, with their options untouched.

BEGIN {
	n = split(known, lines, "\n")
	for (i = 1; i <= n; i++)
		wanted[lines[i]] = 1
	if (deb822)
		RS = ""
}

function is_wanted(uri, suite) {
	sub("/$", "", uri)
	return (uri " " suite) in wanted
}

# The value of a field that stands on one line, as URIs and Suites do.
function field(stanza, name,    lines, n, i) {
	n = split(stanza, lines, "\n")
	for (i = 1; i <= n; i++)
		if (tolower(lines[i]) ~ "^" name ":")
			return substr(lines[i], length(name) + 2)
	return ""
}

# One "deb-src" stanza for each URI and suite, and whatever else the stanza says.
function convert_stanza(stanza,    uris, suites, nuris, nsuites, rest, lines, n, i, j) {
	if (tolower(field(stanza, "enabled")) ~ /no|false|off|0/)
		return
	n = split(stanza, lines, "\n")
	rest = ""
	for (i = 1; i <= n; i++)
		if (lines[i] !~ /^#/ && tolower(lines[i]) !~ /^(types|uris|suites):/)
			rest = rest lines[i] "\n"
	nuris = split(field(stanza, "uris"), uris, " ")
	nsuites = split(field(stanza, "suites"), suites, " ")
	for (i = 1; i <= nuris; i++)
		for (j = 1; j <= nsuites; j++)
			if (is_wanted(uris[i], suites[j]))
				printf "Types: deb-src\nURIs: %s\nSuites: %s\n%s\n", uris[i], suites[j], rest
}

function convert_line(line,    plain, words) {
	plain = line
	sub(/\[[^]]*\]/, "", plain)
	split(plain, words, " ")
	if (is_wanted(words[2], words[3])) {
		sub(/^[ \t]*deb/, "deb-src", line)
		print line
	}
}

deb822 { convert_stanza($0) }
!deb822 && /^[ \t]*deb[ \t]/ { convert_line($0) }
