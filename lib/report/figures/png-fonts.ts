import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Whether a font has a character. */
type Covers = (code: number) => boolean

const FOLDERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['/System/Library/Fonts', '/Library/Fonts', join(homedir(), 'Library/Fonts')],
  win32: [join(process.env.WINDIR ?? 'C:\\Windows', 'Fonts')],
}
const UNIX = ['/usr/share/fonts', '/usr/local/share/fonts', join(homedir(), '.local/share/fonts'), join(homedir(), '.fonts')]
/** Most files that are searched for a character. */
const MOST = 3000

/** Apart from `charactersOf`, so that what it returns does not keep the font in memory. */
const within =
  (ranges: readonly (readonly [first: number, last: number])[]): Covers =>
  (code) =>
    code !== 0xffff && ranges.some(([first, last]) => code >= first && code <= last)

/** Reads the ranges of characters of a font. Source: OpenType, «cmap», formats 4 and 12; of a collection, the first font. */
export function charactersOf(font: Buffer): Covers {
  const start = font.toString('latin1', 0, 4) === 'ttcf' ? font.readUInt32BE(12) : 0
  const tables = font.readUInt16BE(start + 4)
  const at = Array.from({ length: tables }, (_, i) => start + 12 + 16 * i).find(
    (t) => font.toString('latin1', t, t + 4) === 'cmap',
  )
  if (at === undefined) return () => false
  const cmap = font.subarray(font.readUInt32BE(at + 8))
  const ranges: [number, number][] = []
  for (let i = 0; i < cmap.readUInt16BE(2); i++) {
    const table = cmap.subarray(cmap.readUInt32BE(4 + 8 * i + 4))
    const format = table.readUInt16BE(0)
    if (format === 4) {
      const n = table.readUInt16BE(6) / 2
      for (let s = 0; s < n; s++) ranges.push([table.readUInt16BE(16 + 2 * n + 2 * s), table.readUInt16BE(14 + 2 * s)])
    }
    if (format === 12)
      for (let g = 0; g < table.readUInt32BE(12); g++)
        ranges.push([table.readUInt32BE(16 + 12 * g), table.readUInt32BE(20 + 12 * g)])
  }
  return within(ranges)
}

/** Regular fonts without serifs before others. */
const rank = (name: string) =>
  Number(/bold|italic|oblique|light|thin|black/i.test(name)) * 2 + Number(!/sans|gothic|hei|ping/i.test(name))

/** Font files of the system; emoji are left out, because their pictures cannot be drawn. */
async function systemFonts(folders: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders) {
    const names = await readdir(folder, { recursive: true }).catch(() => [])
    found.push(
      ...names.filter((name) => /\.(ttf|otf|ttc)$/i.test(name) && !/emoji/i.test(name)).map((name) => join(folder, name)),
    )
  }
  return found.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, MOST)
}

/** Fonts of the system that were needed so far, and the characters that no font has. */
export interface SystemFonts {
  /** Finds fonts for the characters of a text that these bundled fonts lack. */
  readonly need: (text: string) => Promise<{ readonly fonts: readonly Buffer[]; readonly missing: readonly string[] }>
}

/** Finds fonts of the system for what bundled fonts lack, such as Chinese, Japanese and Korean: those would add megabytes to the package. */
export function fontFinder(bundled: readonly Buffer[], folders = FOLDERS[process.platform] ?? UNIX): SystemFonts {
  const own = bundled.map(charactersOf)
  const known = new Map<string, Buffer | null>()
  const tables = new Map<string, Covers>()
  let files: Promise<string[]> | undefined
  /** Reads each font once, however many letters are sought. */
  const tableOf = async (path: string): Promise<Covers> => {
    const read = tables.get(path)
    if (read !== undefined) return read
    let covers: Covers = within([])
    try {
      covers = charactersOf(await readFile(path))
    } catch {} // a damaged font, or one that cannot be read
    tables.set(path, covers)
    return covers
  }
  const seek = async (letter: string): Promise<Buffer | null> => {
    const code = letter.codePointAt(0)!
    for (const font of new Set(known.values())) if (font !== null && charactersOf(font)(code)) return font
    files ??= systemFonts(folders)
    for (const path of await files) if ((await tableOf(path))(code)) return await readFile(path)
    return null
  }
  return {
    need: async (text) => {
      const foreign = [...new Set(text)].filter(
        (letter) => letter > '\x7f' && !own.some((covers) => covers(letter.codePointAt(0)!)),
      )
      for (const letter of foreign) if (!known.has(letter)) known.set(letter, await seek(letter))
      const fonts = new Set(foreign.map((letter) => known.get(letter)!))
      return {
        fonts: [...fonts].filter((font) => font !== null),
        missing: foreign.filter((letter) => known.get(letter) === null),
      }
    },
  }
}
