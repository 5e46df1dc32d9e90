export { lexer, type Token, type Tokens } from 'marked'
