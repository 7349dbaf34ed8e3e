// Texts whose colour does not stand out from what is behind them: WCAG 2.2, success criterion 1.4.3.
const channels = (color) => {
  const numbers = color.match(/[\d.]+/g).map(Number);
  return numbers.length === 3 ? [...numbers, 1] : numbers;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = channels(getComputedStyle(at).backgroundColor);
    if (color[3] > 0.99) return color;
  }
  return [255, 255, 255, 1];
};
const luminance = ([red, green, blue]) => {
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
};
const poor = [];
for (const element of document.querySelectorAll("body *:not(script)")) {
  const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim());
  const style = getComputedStyle(element);
  if (!own || style.visibility === "hidden" || element.getClientRects().length === 0) continue;
  const [first, second] = [luminance(channels(element.closest("svg") ? style.fill : style.color)), luminance(behind(element))];
  const ratio = (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
  if (ratio < 4.5) poor.push(`${element.tagName}.${element.getAttribute("class")} ${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
}
return Array.from(new Set(poor));
