// What a page's accessibility hangs on, measured in the page itself.
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const background = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const color = rgba(getComputedStyle(node).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const isShown = (element) => element.getClientRects().length > 0;
  const texts = [...document.querySelectorAll("body *")]
    .filter((element) => isShown(element) && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((element) => ({
      text: element.textContent.trim().slice(0, 40),
      contrast: contrast(rgba(getComputedStyle(element).color), background(element)),
    }));
  const controls = [...document.querySelectorAll("input:not([type=hidden]), select, button")].map((element) => {
    const isBox = ["checkbox", "radio"].includes(element.type);
    const target = (isBox ? element.closest("label") : element).getBoundingClientRect();
    const style = getComputedStyle(element);
    const isFilled = element.tagName === "BUTTON" && style.borderTopStyle === "none";
    const known = isFilled ? style.backgroundColor : isBox ? style.accentColor : style.borderTopColor;
    return {
      id: element.id,
      name: element.labels?.length ? [...element.labels].map((label) => label.textContent.trim()).join(" ") : element.textContent.trim(),
      contrast: contrast(rgba(known), background(element.parentElement)),
      width: target.width,
      height: target.height,
    };
  });
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id).sort();
  const named = [...document.querySelectorAll("[aria-describedby]")].flatMap((element) => element.getAttribute("aria-describedby").split(" "));
  const anchors = [...document.querySelectorAll("a[href^='#']")].map((element) => element.getAttribute("href").slice(1));
  const targets = [...document.querySelectorAll("label[for]")].map((element) => element.htmlFor);
  return {
    texts,
    controls,
    ids,
    dangling: [...named, ...anchors, ...targets].filter((id) => !document.getElementById(id)),
    headings: document.querySelectorAll("h1").length,
    legends: [...document.querySelectorAll("fieldset")].map((element) => element.querySelector("legend")?.textContent.trim() ?? ""),
    scrollWidth: document.documentElement.scrollWidth,
  };
}
