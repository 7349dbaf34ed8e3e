package loadgen.pipeline;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.math.BigDecimal;

/**
 * What the topologies use of an event of raw-events, as its JSON body says it. Fields that an event's type does not have are null.
 *
 * @param timestamp event time, ms since the Unix epoch
 * @param price price of one piece, exact
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Event(
        String eventId,
        String eventType,
        Long timestamp,
        String userId,
        String itemId,
        String category,
        BigDecimal price,
        Long quantity,
        String deviceType) {

    static final String ADD_TO_CART = "addtocart";
    static final String TRANSACTION = "transaction";

    boolean isOf(String type) {
        return type.equals(eventType);
    }

    @JsonIgnore
    boolean isTransaction() {
        return isOf(TRANSACTION) && itemId != null && price != null && quantity != null;
    }

    /** What a transaction brought in: price times quantity. Zero for all other events. */
    BigDecimal revenue() {
        return isTransaction() ? price.multiply(BigDecimal.valueOf(quantity)) : BigDecimal.ZERO;
    }
}
