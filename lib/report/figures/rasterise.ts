import { asset } from '../../packages/assets.js'
import { FONT } from './figure.js'

/** Pixels of the PNG per pixel of the figure, for sharp pictures on dense screens. */
const ZOOM = 2

/** Regular and bold font that every PNG is drawn with. */
export function bundledFonts(): Promise<Buffer[]> {
  const font = (style: string) => asset(`DejaVuSansCondensed${style}.ttf`)
  return Promise.all([font(''), font('-Bold')])
}

/** Returns a function that renders SVGs as PNG on the calling thread, with the bundled fonts and others. */
export async function rasteriser() {
  const { initWasm, Resvg } = await import('../../packages/resvg.js')
  await initWasm(await asset('index_bg.wasm'))
  const bundled = await bundledFonts()
  return (svg: string, fonts: readonly Uint8Array[]): Uint8Array => {
    const image = new Resvg(svg, {
      fitTo: { mode: 'zoom', value: ZOOM },
      font: { fontBuffers: [...bundled, ...fonts], defaultFontFamily: FONT, sansSerifFamily: FONT },
    })
    const pixels = image.render() // after a failure neither can be freed, and trying would hide the error
    const bytes = pixels.asPng()
    pixels.free()
    image.free()
    return bytes
  }
}
