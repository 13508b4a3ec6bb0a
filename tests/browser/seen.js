/* What a person sees of the page as it is drawn now.

   looks    the looks of its texts: colours, size and weight, and what is painted under them. Two texts of one look have
            one contrast, on whichever page. window.textsOfLook keeps which texts they are.
   changed  the kinds of elements that came or went since the page was looked at before (another width)
   frame    head, menu and foot, but for the mark of the page that is open and what forms send unseen
   wide     whether it must be scrolled sideways
   text     every line of it */
() => {
  const painted = new Map([[null, ""]]);
  const nothing = "rgba(0, 0, 0, 0) none 1 none normal static none none";
  const paint = element => {
    if (!painted.has(element)) {
      const s = getComputedStyle(element);
      const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode, s.position, s.clipPath, s.textShadow].join(" ");
      painted.set(element, own === nothing ? paint(element.parentElement) : `${own} < ${paint(element.parentElement)}`);
    }
    return painted.get(element);
  };

  window.textsOfLook = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode());) {
    const parent = text.parentElement;
    if (!text.data.trim() || !parent.checkVisibility({ visibilityProperty: true })) continue;
    if (parent.getBoundingClientRect().bottom + scrollY <= 0) continue; // waits above the page for the tab key
    const s = getComputedStyle(parent);
    const off = parent.closest(":disabled, [aria-disabled=true]") ? "off" : "on";
    const look = [s.color, s.fontSize, s.fontWeight, off, paint(parent)].join(" ");
    if (look.includes("inset(50%)")) continue; // for screen readers alone
    window.textsOfLook.set(look, [...(window.textsOfLook.get(look) || []), parent]);
  }

  const shown = new Set([...document.body.querySelectorAll("*")].filter(element => element.checkVisibility()));
  const kind = element => `${element.localName} ${[...element.classList].join(".")} ${element.getAttributeNames().sort().join()}`;
  const before = window.shownBefore || shown;
  const changed = [...shown.difference(before), ...before.difference(shown)].map(kind);
  window.shownBefore = shown;

  const frame = [...document.querySelectorAll(".l-head, .l-nav, .l-nav-m, .l-foot")];

  return {
    looks: [...window.textsOfLook.keys()],
    changed: [...new Set(changed)],
    frame: frame.map(part => part.outerHTML.replace(/ (aria-current|value)="[^"]*"/g, "")).join(""),
    wide: document.documentElement.scrollWidth > innerWidth,
    text: document.body.innerText,
  };
}
