export * from '@uwdata/flechette'
export { decompress as decompressZstd } from 'fzstd'
