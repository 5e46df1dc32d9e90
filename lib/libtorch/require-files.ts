import { packageRoot } from './paths.js'

packageRoot() // says at once, with a code, that a bundler took the code away from its files
