/** Red, green, blue, 0..255. */
export type Rgb = readonly [number, number, number];

/** Classes that are often seen together, told apart at a glance. */
const COMMON: Readonly<Record<string, Rgb>> = {
  person: [240, 58, 71],
  car: [47, 123, 245],
  bicycle: [47, 191, 79],
  dog: [255, 150, 20],
  bottle: [190, 60, 240],
  bus: [255, 225, 53],
  truck: [0, 205, 220],
  motorcycle: [165, 235, 0],
  cat: [255, 120, 200],
  chair: [150, 100, 60],
  "traffic light": [0, 145, 120],
  bird: [190, 175, 255],
};
/** Lightness and saturation of the others, so that hues that lie close are not all that differs. */
const TONES = [
  { saturation: 0.9, lightness: 0.62 },
  { saturation: 0.75, lightness: 0.42 },
  { saturation: 0.95, lightness: 0.78 },
] as const;

/** A class's colour: by its name alone, so that it is the same in every run and with every model. */
export function classColor(className: string): Rgb {
  if (Object.hasOwn(COMMON, className)) return COMMON[className] ?? [0, 0, 0];
  const hash = fnv1a(className);
  const tone = TONES[Math.floor(hash / 360) % TONES.length] ?? TONES[0];
  return hslToRgb(hash % 360, tone.saturation, tone.lightness);
}

/** Black or white, whichever is easier to read on the colour; the contrast is 4.5 or more on any. */
export function textColor(background: Rgb): Rgb {
  const light = luminance(background);
  return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? [0, 0, 0] : [255, 255, 255];
}

/** Relative luminance, 0..1 (WCAG 2.2). */
export function luminance(color: Rgb): number {
  const [r, g, b] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** "#f03a47" */
export function hex(color: Rgb): string {
  return `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** @param hue degrees */
function hslToRgb(hue: number, saturation: number, lightness: number): Rgb {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  // The formula of CSS Color 4.
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
