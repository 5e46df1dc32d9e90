export { initWasm, Resvg } from '@resvg/resvg-wasm'
