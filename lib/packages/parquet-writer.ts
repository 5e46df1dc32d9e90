export { fileWriter, ParquetWriter } from 'hyparquet-writer'
