import { WebSocket } from 'ws';

/** Runs in a process of its own: opens sockets, waits, tells how many stand, and leaves when its input ends. */
const [, , url = '', count = '0', token = ''] = process.argv;
const wanted = Number(count);
const sockets: WebSocket[] = [];
let open = 0;
let lost = 0;
for (let i = 0; i < wanted; i += 100) {
  await Promise.all(
    Array.from({ length: Math.min(100, wanted - i) }, async () => {
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
      sockets.push(socket);
      socket.on('error', () => lost++);
      await new Promise((done) => socket.once('open', done).once('close', done));
      if (socket.readyState === WebSocket.OPEN) open++;
    }),
  );
}
process.stdout.write(`open ${open} lost ${lost}\n`);
process.stdin.resume();
process.stdin.on('end', () => {
  for (const socket of sockets) socket.terminate();
});
