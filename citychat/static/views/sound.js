// Two soft notes when somebody asks. Made here: no file to load, and silence where the browser has no audio.

/** @type {AudioContext | undefined} */
let audio;

export function chime() {
  try {
    audio ??= new AudioContext();
    audio.resume();
    for (const [start, pitch] of [[0, 523.25], [0.18, 659.25]]) note(audio, audio.currentTime + start, pitch);
  } catch {
    // No audio: the title and the screen tell.
  }
}

/** @param {AudioContext} context @param {number} at @param {number} pitch */
function note(context, at, pitch) {
  const tone = new OscillatorNode(context, { type: "sine", frequency: pitch });
  const loud = new GainNode(context, { gain: 0 });
  loud.gain.setValueAtTime(0, at);
  loud.gain.linearRampToValueAtTime(0.12, at + 0.02);
  loud.gain.exponentialRampToValueAtTime(0.001, at + 0.7);
  tone.connect(loud).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.75);
}
