/** Other threads of this process are started and talked to through here. */
export { MessageChannel, parentPort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
