export { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
export { compressors } from 'hyparquet-compressors'
