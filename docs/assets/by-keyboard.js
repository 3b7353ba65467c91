// What somebody without a mouse needs. A table or a piece of code that is wider than its column scrolls, so it must be
// reached; the mark of each line of code is a link without a word, so it must not be: it stays what other links lead to.
addEventListener("load", () => {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
  for (const mark of document.querySelectorAll("a[id^='__codelineno']")) mark.removeAttribute("href");
});
