export { Header, Pax } from 'tar'
