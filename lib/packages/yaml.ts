export { isAlias, isMap, isNode, isSeq, LineCounter, parse, parseAllDocuments, visit, type YAMLError } from 'yaml'
