import { Lab } from "./lab";
import { main } from "./processes";
import { locked } from "./state";

/** `npm stop`: ends the lab and keeps only the cached tools. */
main(() =>
  locked(() => {
    console.log(Lab.down() ? "the lab has ended" : "no lab is running");
    return Promise.resolve(0);
  }),
);
