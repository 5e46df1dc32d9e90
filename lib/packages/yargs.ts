export { type CommandModule, default as yargs } from 'yargs'
