export {
  CompressionType,
  columnFromArray,
  fixedSizeList,
  float16,
  float32,
  int32,
  setCompressionCodec,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  utf8,
} from '@uwdata/flechette'
export { decompress as decompressZstd } from 'fzstd'
