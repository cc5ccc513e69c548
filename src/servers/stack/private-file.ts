export { writePrivateFile } from '../shell/private-file.ts';
